-- name: put_in_doubt
-- What was due may have left after the backup was made. A row that was not attempted gets an attempt, so that no send is
-- in doubt without an intent.
with due as materialized (
    select
        send.send_id,
        send.state,
        send.attempt_no,
        send.fence
    from ops.send as send
    where send.state in ('pending', 'sending') and send.due_at <= %(due_until)s
    order by send.send_id
    for update
),

made as (
    insert into ops.send_attempt (
        send_id, attempt_no, fence, batch_id, intent_at, finished_at, outcome, detail, allowed_because
    )
    select
        due.send_id,
        due.attempt_no + 1,
        nextval('ops.fence'),
        gen_random_uuid(),
        clock_timestamp(),
        clock_timestamp(),
        'unknown',
        %(reason)s,
        'restored: the ledger that was lost may have made it'
    from due
    where due.state = 'pending'
    returning send_attempt.send_id, send_attempt.attempt_no, send_attempt.fence
),

interrupted as (
    update ops.send_attempt
    set outcome = 'unknown', finished_at = clock_timestamp(), detail = %(reason)s
    from due
    where send_attempt.send_id = due.send_id and send_attempt.fence = due.fence and send_attempt.outcome is null
)

update ops.send
set
    state = 'unknown',
    reason = %(reason)s,
    attempt_no = coalesce(made.attempt_no, send.attempt_no),
    fence = coalesce(made.fence, send.fence),
    unknown_since = clock_timestamp(),
    owner_epoch = null,
    lease_until = null,
    not_before = null
from due
left join made on due.send_id = made.send_id
where send.send_id = due.send_id
returning send.send_id;

-- name: fence_doubt
-- What was put in doubt before the fences were lifted gets new ones, in the attempts as well.
with doubtful as (
    select
        send.send_id,
        send.attempt_no,
        nextval('ops.fence') as fence
    from ops.send as send
    where send.state = 'unknown' and send.reason = %(reason)s
),

attempt as (
    update ops.send_attempt
    set fence = doubtful.fence
    from doubtful
    where send_attempt.send_id = doubtful.send_id and send_attempt.attempt_no = doubtful.attempt_no
)

update ops.send
set fence = doubtful.fence
from doubtful
where send.send_id = doubtful.send_id;
