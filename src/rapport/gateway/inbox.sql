-- name: insert_events
with given as (
    select *
    from unnest(
        %(event_id)s::text[],
        %(event)s::text[],
        %(send_id)s::uuid[],
        %(attempt_no)s::integer[],
        %(raw)s::jsonb[],
        %(occurred_at)s::timestamptz[]
    ) as row (event_id, event, send_id, attempt_no, raw, occurred_at)
)

insert into ops.webhook_inbox (event_id, event, send_id, attempt_no, raw, occurred_at, received_at)
select
    given.event_id,
    given.event,
    given.send_id,
    given.attempt_no,
    given.raw,
    given.occurred_at,
    clock_timestamp()
from given
on conflict (event_id) do nothing;

-- name: send_exists
select send.send_id
from ops.send as send
where send.send_id = %(send_id)s;

-- name: insert_unsubscribe
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    send.recipient_key,
    send.topic,
    'unsubscribe',
    %(source)s,
    %(evidence_id)s,
    %(now)s
from ops.send as send
where send.send_id = %(send_id)s
on conflict (recipient_key, topic, reason, evidence_id) do nothing;

-- name: alive
select 1 as alive;
