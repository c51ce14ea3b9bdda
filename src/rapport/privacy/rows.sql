-- Which rows of a table are the person's: a condition for each table of tables.py. Erasing and exporting use the same.

-- name: raw_shopify__orders
'shopify:' || customer_id = any(%(keys)s)
or lower(btrim(email)) = any(%(emails)s)
or (customer_id is null and email is null and 'guest:' || phone = any(%(keys)s))

-- name: raw_shopify__customers
'shopify:' || id = any(%(keys)s) or lower(btrim(email)) = any(%(emails)s)

-- name: raw_zendesk__tickets
'zendesk:' || requester_id = any(%(keys)s)

-- name: raw_zendesk__users
'zendesk:' || id = any(%(keys)s) or lower(btrim(email)) = any(%(emails)s)

-- name: raw_bluesky__interactions
'bluesky:' || author_did = any(%(keys)s)

-- name: raw_bluesky__profiles
'bluesky:' || id = any(%(keys)s)

-- name: raw_files__order_lines
'files:' || feed || ':' || customer_id = any(%(keys)s) or lower(btrim(email)) = any(%(emails)s)

-- name: raw_files__loyalty
lower(btrim(email)) = any(%(emails)s) or id = any(%(loyalty_numbers)s)

-- name: raw_files__customers
'files:' || feed || ':' || id = any(%(keys)s) or lower(btrim(email)) = any(%(emails)s)

-- name: raw_web__events
-- Whatever names the person's account, and what their devices sent without a name: all of it where nobody else ever
-- logged in, else what lies between the person's log-in and the next one's. Before the first log-in of a shared device
-- nobody is known, and what nobody is known by stays.
regexp_replace(user_id, '^.*/', '') = any(%(accounts)s)
or message_id in (
    with seen as (
        select
            events.message_id,
            events.device_id,
            regexp_replace(events.user_id, '^.*/', '') as account_number,
            -- At one moment the log-in comes first.
            count(events.user_id) over (
                partition by events.device_id
                order by events.occurred_at, events.user_id is null, events.message_id
            ) as login_no
        from raw_web.events as events
        where
            events.device_id in (
                select own.device_id
                from raw_web.events as own
                where regexp_replace(own.user_id, '^.*/', '') = any(%(accounts)s)
            )
    ),

    told as (
        select
            seen.message_id,
            max(seen.account_number) over (partition by seen.device_id, seen.login_no) as logged_in,
            bool_or(seen.account_number <> all(%(accounts)s)) over (partition by seen.device_id) as is_shared
        from seen
    )

    select told.message_id
    from told
    where told.logged_in = any(%(accounts)s) or not told.is_shared
)

-- name: landing__quarantine
exists (
    select 1
    from unnest(%(emails)s::text[]) as known (email)
    where strpos(lower(record::text), known.email) > 0
)

-- name: identity__edges
profile_key_a = any(%(keys)s) or profile_key_b = any(%(keys)s)

-- name: identity__match_reviews
profile_key_a = any(%(keys)s) or profile_key_b = any(%(keys)s)

-- name: identity__decisions
profile_key_a = any(%(keys)s) or profile_key_b = any(%(keys)s)

-- name: identity__profile_states
profile_key = any(%(keys)s)

-- name: identity__changes
profile_key = any(%(keys)s)
or exists (
    select 1
    from unnest(%(keys)s::text[]) as known (profile_key)
    where strpos(changes.evidence::text, to_jsonb(known.profile_key)::text) > 0
)

-- name: identity__customer_ids
founded_by = any(%(keys)s)

-- name: identity__members
profile_key = any(%(keys)s)

-- name: by_customer
customer_id = any(%(customer_ids)s)

-- name: ops__decision
recipient_key = any(%(recipient_keys)s) or customer_id = any(%(customer_ids)s)

-- name: ops__flow_step
(campaign_id, trigger_id) in (
    select
        run.campaign_id,
        run.trigger_id
    from ops.flow_run as run
    where run.customer_id = any(%(customer_ids)s)
)

-- name: by_recipient
recipient_key = any(%(recipient_keys)s)

-- name: by_send
send_id in (select send.send_id from ops.send as send where send.recipient_key = any(%(recipient_keys)s))

-- name: ops__webhook_inbox
send_id in (select send.send_id from ops.send as send where send.recipient_key = any(%(recipient_keys)s))
or lower(btrim(raw ->> 'email')) = any(%(emails)s)

-- name: ops__opt_in_confirmation
opt_in_id in (select asked.opt_in_id from ops.opt_in as asked where asked.recipient_key = any(%(recipient_keys)s))
