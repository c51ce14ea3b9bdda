-- name: record_caps
insert into ops.control (name, value)
values ('caps', %(caps)s)
on conflict (name) do update set value = excluded.value, changed_at = clock_timestamp()
where control.value is distinct from excluded.value;

-- name: create_tables
-- What the caps change of `judged`, and which sends of other campaigns make room for it, each with its new moment.
drop table if exists pg_temp.settled, pg_temp.makes_room;
create temporary table settled (place bigint not null, due_at timestamptz, outcome text, reason text) on commit drop;
create temporary table makes_room (place bigint not null, send_id uuid not null, due_at timestamptz) on commit drop;

-- name: worths
select campaign_id, priority, definition ->> 'value' as value
from ops.campaign;

-- name: crowded
-- Whoever has, or will have, so much mail around the message that some cap may be reached.
select
    crowd.*,
    timing.expires_at,
    timing.open_during::text as hours
from (
    select
        waiting.place,
        min(waiting.due_at) as due_at,
        min(waiting.timing_id) as timing_id,
        array_agg(past.send_id::text) as send_ids,
        array_agg(past.campaign_id) as names,
        array_agg(past.topic) as topics,
        array_agg(past.due_at) as moments,
        array_agg(past.expires_at) as ends,
        array_agg(past.open_during::text) as others_hours,
        array_agg(past.state = 'pending' and past.attempt_no = 0) as movable
    from (
        select
            judged.place,
            judged.recipient_key,
            judged.due_at,
            judged.timing_id,
            timing.expires_at
        from judged
        inner join timing on judged.timing_id = timing.timing_id
        where judged.outcome is null
        -- A fence: no statistics tell of what was planned a moment ago, and only the key leads to a few rows.
        offset 0
    ) as waiting
    inner join ops.send as past
        on
            waiting.recipient_key = past.recipient_key
            and past.due_at > waiting.due_at - make_interval(days => %(most_days)s)
            and past.due_at < waiting.expires_at + make_interval(days => %(most_days)s)
    where
        past.state not in ('suppressed', 'failed', 'expired', 'cancelled')
        and (past.policy = 'at_most_once' or past.topic = %(topic)s)
    group by waiting.place
    having count(*) >= %(least)s
) as crowd
inner join timing on crowd.timing_id = timing.timing_id;

-- name: set_settled
-- Who is moved stays planned, and the reason tells of the move.
update judged
set
    due_at = coalesce(settled.due_at, judged.due_at),
    moved = settled.outcome is null,
    outcome = settled.outcome,
    reason = settled.reason
from settled
where judged.place = settled.place;

-- name: copy_settled
copy settled (place, due_at, outcome, reason) from stdin;

-- name: copy_makes_room
copy makes_room (place, send_id, due_at) from stdin;

-- name: analyze_settled
analyze settled, makes_room;
