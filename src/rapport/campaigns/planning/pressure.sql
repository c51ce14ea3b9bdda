-- name: record_caps
insert into ops.control (name, value)
values ('caps', %(caps)s)
on conflict (name) do update set value = excluded.value, changed_at = clock_timestamp()
where control.value is distinct from excluded.value;

-- name: create_makes_room
drop table if exists pg_temp.makes_room;
create temporary table makes_room (place bigint not null, send_id uuid not null, due_at timestamptz) on commit drop;

-- name: worths
select campaign_id, priority, definition ->> 'value' as value
from ops.campaign;

-- name: crowded
-- Whoever has, or will have, so much mail around the message that some cap may be reached.
select
    crowd.place,
    crowd.due_at,
    crowd.expires_at,
    hours.open_during::text as hours,
    crowd.others
from (
    select
        judged.place,
        min(judged.due_at) as due_at,
        min(judged.expires_at) as expires_at,
        min(judged.hours_id) as hours_id,
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
    inner join ops.send as past
        on
            judged.recipient_key = past.recipient_key
            and past.due_at > judged.due_at - make_interval(days => %(most_days)s)
            and past.due_at < judged.expires_at + make_interval(days => %(most_days)s)
    where
        judged.outcome is null
        and past.state not in ('suppressed', 'failed', 'expired', 'cancelled')
        and (past.policy = 'at_most_once' or past.topic = %(topic)s)
    group by judged.place
    having count(*) >= %(least)s
) as crowd
inner join hours on crowd.hours_id = hours.hours_id;

-- name: set_settled
update judged
set
    due_at = coalesce(line.due_at, judged.due_at),
    moved = line.outcome is null,
    outcome = line.outcome,
    reason = line.reason,
    told = judged.told || case when line.outcome is null then '; ' || line.reason else '' end
from jsonb_to_recordset(%(rows)s) as line (place bigint, due_at timestamptz, outcome text, reason text)
where judged.place = line.place;

-- name: make_room
insert into makes_room (place, send_id, due_at)
select line.*
from jsonb_to_recordset(%(rows)s) as line (place bigint, send_id uuid, due_at timestamptz);

-- name: give_up_claimed
-- What a sender holds by now, or has sent, cannot make room any more; the rest is held until the plan is committed.
with free as (
    select send.send_id
    from ops.send as send
    where
        send.send_id in (select makes_room.send_id from makes_room)
        and send.state = 'pending'
        and send.attempt_no = 0
    for update skip locked
)

update judged
set outcome = 'capped', reason = 'a message that was to make room for it is on its way'
from makes_room
where
    judged.place = makes_room.place
    and not exists (select 1 from free where free.send_id = makes_room.send_id);

-- name: move
update ops.send
set due_at = makes_room.due_at
from makes_room
inner join judged on makes_room.place = judged.place
where judged.outcome = 'planned' and send.send_id = makes_room.send_id and makes_room.due_at is not null;

-- name: let_go
update ops.send
set state = 'cancelled', reason = 'displaced by ' || %(campaign_id)s
from makes_room
inner join judged on makes_room.place = judged.place
where judged.outcome = 'planned' and send.send_id = makes_room.send_id and makes_room.due_at is null;

-- name: note_moved
update ops.decision
set
    reason = decision.reason || '; moved to ' || to_char(makes_room.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        || ' UTC: ' || %(campaign_id)s || ' is worth more'
from makes_room
inner join judged on makes_room.place = judged.place
inner join ops.send as send on makes_room.send_id = send.send_id
where
    judged.outcome = 'planned'
    and makes_room.due_at is not null
    and decision.campaign_id = send.campaign_id
    and decision.occurrence_key = send.occurrence_key
    and decision.customer_id = send.customer_id;

-- name: note_let_go
update ops.decision
set outcome = 'displaced', reason = %(campaign_id)s || ' is worth more, and a cap leaves no later moment before expiry'
from makes_room
inner join judged on makes_room.place = judged.place
inner join ops.send as send on makes_room.send_id = send.send_id
where
    judged.outcome = 'planned'
    and makes_room.due_at is null
    and decision.campaign_id = send.campaign_id
    and decision.occurrence_key = send.occurrence_key
    and decision.customer_id = send.customer_id;

-- name: recount
update ops.occurrence
set
    waterfall = occurrence.waterfall || jsonb_build_object(
        'planned', (occurrence.waterfall ->> 'planned')::bigint - gone.people,
        'displaced', coalesce((occurrence.waterfall ->> 'displaced')::bigint, 0) + gone.people
    )
from (
    select
        send.campaign_id,
        send.occurrence_key,
        count(*) as people
    from makes_room
    inner join judged on makes_room.place = judged.place
    inner join ops.send as send on makes_room.send_id = send.send_id
    where judged.outcome = 'planned' and makes_room.due_at is null
    group by send.campaign_id, send.occurrence_key
) as gone
where occurrence.campaign_id = gone.campaign_id and occurrence.occurrence_key = gone.occurrence_key;
