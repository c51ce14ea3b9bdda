-- name: one_at_a_time
select pg_try_advisory_xact_lock(%(space)s, 0) as taken;

-- name: unread_events
select event_id, event, send_id, attempt_no, raw, occurred_at
from ops.webhook_inbox
where processed_at is null
order by received_at, event_id
limit %(batch)s
for update skip locked;

-- name: apply_evidence
-- An event about one of our sends proves that the provider took it, whatever we had come to believe. The largest
-- engagement wins, so order and repetition cannot matter.
with told as (
    select *
    from unnest(
        %(send_id)s::uuid[], %(engagement)s::text[], %(occurred_at)s::timestamptz[]
    ) as given (send_id, engagement, occurred_at)
),

known as materialized (
    select
        send.send_id,
        send.state
    from ops.send as send
    where send.send_id = any(%(send_id)s::uuid[]) and send.attempt_no > 0
    order by send.send_id
    for update
),

moved as (
    update ops.send
    set
        state = 'accepted',
        reason = case
            when known.state = 'accepted' then send.reason
            when known.state != 'sending' then 'proved by a provider event; was ' || known.state
        end,
        accepted_at = least(send.accepted_at, told.occurred_at),
        unknown_since = null,
        not_before = null,
        lease_until = null,
        engagement = case
            when
                array_position(%(lattice)s::text[], told.engagement)
                > array_position(%(lattice)s::text[], send.engagement)
                then told.engagement
            else send.engagement
        end
    from known, told
    where send.send_id = known.send_id and told.send_id = known.send_id
    returning send.send_id, known.state as was
)

select
    given.send_id,
    moved.was
from told as given
left join moved on given.send_id = moved.send_id;

-- name: add_suppressions
-- A null topic stands for the topic of the send.
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    send.recipient_key,
    coalesce(given.topic, send.topic),
    given.reason,
    'sendgrid',
    given.event_id,
    given.occurred_at
from unnest(
    %(send_id)s::uuid[], %(topic)s::text[], %(reason)s::text[], %(event_id)s::text[], %(occurred_at)s::timestamptz[]
) as given (send_id, topic, reason, event_id, occurred_at)
inner join ops.send as send on given.send_id = send.send_id
on conflict (recipient_key, topic, reason, evidence_id) do nothing;

-- name: mark_read
update ops.webhook_inbox
set processed_at = clock_timestamp()
where event_id = any(%(event_ids)s);

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
        and send.policy = 'at_most_once'
        and send.unknown_since < clock_timestamp() - make_interval(secs => %(window_seconds)s)
    order by send.send_id
    for update skip locked
)

update ops.send
set
    state = 'quarantined',
    reason = 'no proof of acceptance in time, and sent at most once; it was unknown because: ' || coalesce(reason, '')
from late
where send.send_id = late.send_id and send.state = 'unknown'
returning send.send_id;

-- name: doubtful
-- Sends that may be repeated if the provider would by now have told us of them.
select
    send.send_id,
    send.fence,
    attempt.intent_at
from ops.send as send
inner join ops.send_attempt as attempt on send.send_id = attempt.send_id and send.fence = attempt.fence
where
    send.state = 'unknown'
    and send.policy = 'at_least_once'
    and send.unknown_since < clock_timestamp() - make_interval(secs => %(window_seconds)s)
    and attempt.intent_at < clock_timestamp() - make_interval(secs => %(window_seconds)s)
    and not exists (select 1 from ops.webhook_inbox as inbox where inbox.send_id = send.send_id)
order by send.send_id;

-- name: evidence_around
-- Of the attempts answered 202 around `at`: how many, how many of them have an event, and when the newest of all
-- attempts that have one was made. Our own clock only: the provider's may differ and webhooks may come late.
with near as (
    select exists (
        select 1
        from ops.webhook_inbox as inbox
        where inbox.send_id = attempt.send_id and inbox.event in ('processed', 'dropped')
    ) as told
    from ops.send_attempt as attempt
    where
        attempt.outcome = 'accepted'
        and attempt.http_status = 202
        and attempt.intent_at between %(at)s - make_interval(secs => %(around_seconds)s)
        and %(at)s + make_interval(secs => %(around_seconds)s)
)

select
    count(*) as answered,
    count(*) filter (where near.told) as told,
    (
        select max(attempt.intent_at)
        from ops.send_attempt as attempt
        where
            attempt.outcome = 'accepted'
            and attempt.http_status = 202
            and attempt.intent_at >= %(at)s
            and exists (
                select 1
                from ops.webhook_inbox as inbox
                where inbox.send_id = attempt.send_id and inbox.event = 'processed'
            )
    ) as newest_told_at,
    (select count(*) from ops.webhook_inbox where processed_at is null) as unread
from near;

-- name: release
-- Not accepted, by evidence: it may be tried again. The event is asked for once more, in the statement that decides.
update ops.send
set
    state = 'pending',
    fence = nextval('ops.fence'),
    reason = %(because)s,
    unknown_since = null,
    not_before = null
where
    send_id = %(send_id)s
    and fence = %(fence)s
    and state = 'unknown'
    and policy = 'at_least_once'
    and not exists (select 1 from ops.webhook_inbox as inbox where inbox.send_id = send.send_id)
returning send_id;

-- name: count_unknown
select count(*) as n from ops.send where state = 'unknown';
