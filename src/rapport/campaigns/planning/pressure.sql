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
    crowd.place,
    crowd.due_at,
    timing.expires_at,
    timing.open_during::text as hours,
    crowd.others
from (
    select
        judged.place,
        min(judged.due_at) as due_at,
        min(judged.timing_id) as timing_id,
        jsonb_agg(
            jsonb_build_object(
                'send_id', past.send_id,
                'name', past.campaign_id,
                'topic', past.topic,
                'at', past.due_at,
                'expires_at', past.expires_at,
                'hours', past.open_during::text,
                'movable', past.state = 'pending' and past.attempt_no = 0
            )
        ) as others
    from judged
    inner join timing on judged.timing_id = timing.timing_id
    inner join ops.send as past
        on
            judged.recipient_key = past.recipient_key
            and past.due_at > judged.due_at - make_interval(days => %(most_days)s)
            and past.due_at < timing.expires_at + make_interval(days => %(most_days)s)
    where
        judged.outcome is null
        and past.state not in ('suppressed', 'failed', 'expired', 'cancelled')
        and (past.policy = 'at_most_once' or past.topic = %(topic)s)
    group by judged.place
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
