-- What is left of rows that stay, so that counts and sums do not change. A table without a block here loses its rows.
-- `{rows}` is the table's condition in rows.sql.

-- name: raw_shopify__orders
update raw_shopify.orders
set
    customer_id = null,
    email = null,
    phone = null,
    shipping_address = jsonb_build_object('countryCodeV2', shipping_address ->> 'countryCodeV2')
where {rows};

-- name: raw_zendesk__tickets
update raw_zendesk.tickets
set
    requester_id = null,
    subject = null,
    description = null
where {rows};

-- name: raw_files__order_lines
update raw_files.order_lines
set
    customer_id = null,
    email = null,
    phone = null
where {rows};

-- name: identity__changes
-- That ids were made and merged stays; of which records does not.
update identity.changes
set
    profile_key = null,
    evidence = '{{}}'
where {rows};

-- name: identity__customer_ids
update identity.customer_ids
set founded_by = 'erased:' || customer_id
where {rows};

-- name: ops__send
update ops.send
set context = '{{}}'
where ({rows}) and context <> '{{}}';

-- name: ops__webhook_inbox
-- What happened to the mail stays; address, network and device do not.
update ops.webhook_inbox
set raw = raw - array['email', 'ip', 'useragent', 'smtp-id']
where ({rows}) and raw ?| array['email', 'ip', 'useragent', 'smtp-id'];

-- name: ops__opt_in
update ops.opt_in
set address = null
where ({rows}) and address is not null;

-- name: ops__recipient
update ops.recipient
set address = null
where ({rows}) and address is not null;

-- name: delete
delete from {table}
where {rows};

-- name: suppressed_for_ever
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    known.recipient_key,
    '*',
    'erasure',
    'privacy',
    'erase',
    %(now)s
from unnest(%(recipient_keys)s::text[]) as known (recipient_key)
on conflict do nothing;
