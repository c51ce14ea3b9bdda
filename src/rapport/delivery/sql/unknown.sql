-- name: overdue_owners
select distinct owner_epoch
from ops.send
where state = 'sending' and lease_until < clock_timestamp() and owner_epoch is not null
order by owner_epoch;

-- name: owner_is_gone
select pg_try_advisory_xact_lock(%(space)s, %(epoch)s) as gone;

-- name: orphans_to_unknown
with locked as materialized (
    select send.send_id
    from ops.send as send
    where send.owner_epoch = %(epoch)s and send.state = 'sending' and send.lease_until < clock_timestamp()
    order by send.send_id
    for update
),

attempt as (
    update ops.send_attempt
    set outcome = 'unknown', finished_at = clock_timestamp(), detail = 'its worker ended without a result'
    from ops.send as send, locked
    where
        send.send_id = locked.send_id
        and send_attempt.send_id = send.send_id
        and send_attempt.fence = send.fence
        and send_attempt.outcome is null
)

update ops.send
set
    state = 'unknown',
    unknown_since = clock_timestamp(),
    lease_until = null,
    reason = 'its worker ended without a result'
from locked
where send.send_id = locked.send_id and send.state = 'sending'
returning send.send_id;

-- name: quarantine
with late as materialized (
    select send.send_id
    from ops.send as send
    where
        send.state = 'unknown'
        -- What may be repeated waits for evidence until it is too late to send it at all.
        and (send.policy = 'at_most_once' or send.expires_at <= %(now)s)
        and send.unknown_since < clock_timestamp() - make_interval(secs => %(window_seconds)s)
    order by send.send_id
    for update skip locked
)

update ops.send
set
    state = 'quarantined',
    reason = 'no proof of acceptance in time, and not to be repeated; it was unknown because: ' || coalesce(reason, '')
from late
where send.send_id = late.send_id and send.state = 'unknown'
returning send.send_id;

-- name: count_unknown
select count(*) as n from ops.send where state = 'unknown';

-- name: expire_overdue
-- What was not sent in its time is never sent late, though its campaign is paused or sending is stopped.
with late as materialized (
    select send.send_id
    from ops.send as send
    where send.state = 'pending' and send.expires_at <= %(now)s
    order by send.send_id
    limit %(batch)s
    for update skip locked
)

update ops.send
set state = 'expired', reason = 'not sent before it expired', fence = nextval('ops.fence')
from late
where send.send_id = late.send_id and send.state = 'pending'
returning send.send_id;
