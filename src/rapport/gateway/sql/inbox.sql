-- name: insert_events
insert into ops.webhook_inbox (event_id, event, send_id, attempt_no, raw, occurred_at, received_at)
select
    given.event_id,
    given.event,
    given.send_id,
    given.attempt_no,
    given.raw,
    given.occurred_at,
    clock_timestamp()
from unnest(
    %(event_id)s::text[],
    %(event)s::text[],
    %(send_id)s::uuid[],
    %(attempt_no)s::integer[],
    %(raw)s::jsonb[],
    %(occurred_at)s::timestamptz[]
) as given (event_id, event, send_id, attempt_no, raw, occurred_at)
on conflict (event_id) do nothing;

-- name: alive
select 1 as alive;
