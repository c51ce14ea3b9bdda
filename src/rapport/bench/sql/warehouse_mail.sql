-- name: campaign
insert into ops.campaign (campaign_id, kind, topic, policy, paused, definition, version, updated_at)
select 'campaign_' || n, 'broadcast', 'marketing', 'at_most_once', false, '{}', '1', %(as_of)s
from generate_series(0, 3) as n;

-- name: templates
insert into ops.template (template_version, campaign_id, subject, preheader, html, body_text, language, created_at)
select campaign_id, campaign_id, '', '', '', '', 'en', %(as_of)s
from ops.campaign;

-- name: recipients
insert into ops.recipient (recipient_key, address, created_at)
select md5(n::text), 'person' || n || '@example.com', %(as_of)s
from generate_series(%(first)s::integer, %(last)s::integer) as n
on conflict do nothing;

-- name: occurrences
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
select campaign_id, %(key)s, %(at)s, '{}'
from ops.campaign;

-- name: sends
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state, due_at, expires_at,
    attempt_no, accepted_at, template_version, context, planned_at, mailbox
)
select
    md5(%(key)s || n)::uuid,
    'campaign_' || n %% 4,
    %(key)s,
    md5(n::text),
    ids.customer_id,
    'marketing',
    'at_most_once',
    'accepted',
    %(at)s,
    %(at)s::timestamptz + interval '2 days',
    1,
    %(at)s::timestamptz + interval '1 minute',
    'campaign_' || n %% 4,
    '{}',
    %(at)s,
    'other'
from generate_series(%(first)s::integer, %(last)s::integer) as n
inner join identity.members as ids on ids.profile_key = 'shopify:gid://shopify/Customer/' || n
inner join ops.recipient as known on known.recipient_key = md5(n::text);

-- name: mail_events
insert into ops.webhook_inbox (event_id, event, send_id, attempt_no, raw, occurred_at, received_at, processed_at)
select
    sends.send_id || kind,
    kind,
    sends.send_id,
    1,
    jsonb_build_object('email', recipients.address, 'url', 'https://shop.example/page/1'),
    sends.accepted_at + minutes * interval '1 minute',
    sends.accepted_at + minutes * interval '1 minute',
    sends.accepted_at + minutes * interval '1 minute'
from ops.send as sends
inner join ops.recipient as recipients on sends.recipient_key = recipients.recipient_key
cross join (values ('delivered', 1, 256), ('open', 60, 90), ('click', 61, 20), ('unsubscribe', 62, 1)) as kinds (kind, minutes, of_256)
where sends.occurrence_key = %(key)s and get_byte(uuid_send(sends.send_id), 0) < of_256;

-- name: analyze_ops
analyze ops.send, ops.webhook_inbox, ops.recipient, ops.occurrence;
