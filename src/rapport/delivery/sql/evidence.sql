-- name: insert_log_events
-- Only of sends that this ledger knows, and what became of a mail only if it is about the send's own recipient: a mail
-- server may copy mails to others.
insert into ops.webhook_inbox (event_id, provider, event, send_id, raw, occurred_at, received_at)
select
    given.event_id,
    'smtp',
    given.event,
    given.send_id,
    jsonb_strip_nulls(
        jsonb_build_object(
            'event', given.event, 'provider', 'smtp', 'queue_id', given.queue_id, 'status', given.status
        )
    ),
    given.occurred_at,
    clock_timestamp()
from unnest(
    %(event_id)s::text[],
    %(event)s::text[],
    %(send_id)s::uuid[],
    %(queue_id)s::text[],
    %(status)s::text[],
    %(recipient_key)s::text[],
    %(original_key)s::text[],
    %(occurred_at)s::timestamptz[]
) as given (event_id, event, send_id, queue_id, status, recipient_key, original_key, occurred_at)
inner join ops.send as send on given.send_id = send.send_id
where given.recipient_key is null or send.recipient_key in (given.recipient_key, given.original_key)
on conflict (event_id) do nothing;
