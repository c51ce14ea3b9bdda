-- name: makes_room
select exists (select 1 from makes_room) as found;

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
where judged.outcome is null and send.send_id = makes_room.send_id and makes_room.due_at is not null;

-- name: let_go
update ops.send
set state = 'cancelled', reason = 'displaced by ' || %(campaign_id)s
from makes_room
inner join judged on makes_room.place = judged.place
where judged.outcome is null and send.send_id = makes_room.send_id and makes_room.due_at is null;

-- name: note_moved
update ops.decision
set
    reason = decision.reason || '; moved to ' || to_char(makes_room.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        || ' UTC: ' || %(campaign_id)s || ' is worth more'
from makes_room
inner join judged on makes_room.place = judged.place
inner join ops.send as send on makes_room.send_id = send.send_id
where
    judged.outcome is null
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
    judged.outcome is null
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
    where judged.outcome is null and makes_room.due_at is null
    group by send.campaign_id, send.occurrence_key
) as gone
where occurrence.campaign_id = gone.campaign_id and occurrence.occurrence_key = gone.occurrence_key;
