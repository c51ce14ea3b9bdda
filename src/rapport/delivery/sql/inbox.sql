-- name: one_at_a_time
select pg_try_advisory_xact_lock(%(space)s, 0) as taken;

-- name: wait_for_turn
select pg_advisory_xact_lock(%(space)s, 0);

-- name: unread_events
-- Readers take turns by the lock above, so no row needs one of its own. Only what is judged by its details brings them.
select
    event_id,
    event,
    send_id,
    attempt_no,
    case when event in ('open', 'bounce', 'dropped') then raw else '{}'::jsonb end as raw,
    occurred_at
from ops.webhook_inbox
where processed_at is null
order by received_at, event_id
limit %(batch)s;

-- name: apply_evidence
-- An event about one of our sends proves that the provider took it, whatever we had come to believe. The largest
-- engagement wins, so order and repetition cannot matter. An attempt that this ledger does not know was made by the one
-- that it was restored from; it is written down, so that no send is accepted without an intent.
with told as (
    select *
    from unnest(
        %(send_id)s::uuid[], %(engagement)s::text[], %(occurred_at)s::timestamptz[], %(attempt_no)s::integer[]
    ) as given (send_id, engagement, occurred_at, attempt_no)
),

known as materialized (
    select
        send.send_id,
        send.state,
        send.attempt_no
    from ops.send as send
    where send.send_id = any(%(send_id)s::uuid[])
    order by send.send_id
    for update
),

lost as (
    insert into ops.send_attempt (
        send_id, attempt_no, fence, batch_id, intent_at, finished_at, outcome, detail, allowed_because
    )
    select
        known.send_id,
        told.attempt_no,
        nextval('ops.fence'),
        gen_random_uuid(),
        clock_timestamp(),
        clock_timestamp(),
        'accepted',
        'restored: an event tells of it, this ledger does not know it',
        'restored: allowed by the ledger that was lost'
    from known
    inner join told on known.send_id = told.send_id
    where told.attempt_no > known.attempt_no
    returning send_attempt.send_id, send_attempt.attempt_no, send_attempt.fence
),

news as (
    select
        known.send_id,
        known.state,
        told.engagement,
        told.occurred_at,
        lost.attempt_no,
        lost.fence
    from known
    inner join told on known.send_id = told.send_id
    left join lost on known.send_id = lost.send_id
),

moved as (
    update ops.send
    set
        state = 'accepted',
        reason = case
            when news.state = 'accepted' then send.reason
            when news.state != 'sending' then 'proved by a provider event; was ' || news.state
        end,
        attempt_no = coalesce(news.attempt_no, send.attempt_no),
        fence = coalesce(news.fence, send.fence),
        accepted_at = least(send.accepted_at, news.occurred_at),
        unknown_since = null,
        not_before = null,
        lease_until = null,
        engagement = case
            when
                array_position(%(lattice)s::text[], news.engagement)
                > array_position(%(lattice)s::text[], send.engagement)
                then news.engagement
            else send.engagement
        end
    from news
    where
        send.send_id = news.send_id
        -- What tells nothing new is not written again.
        and (
            send.state != 'accepted'
            or news.fence is not null
            or send.accepted_at > news.occurred_at
            or array_position(%(lattice)s::text[], news.engagement)
            > array_position(%(lattice)s::text[], send.engagement)
        )
)

select
    told.send_id,
    known.state as was,
    -- Of what is in doubt already, nothing new is learnt about the ledger.
    coalesce(
        told.attempt_no > known.attempt_no and known.state not in ('accepted', 'unknown', 'quarantined'), false
    ) as unattempted
from told
left join known on told.send_id = known.send_id;

-- name: mark_read
update ops.webhook_inbox
set processed_at = clock_timestamp()
where event_id = any(%(event_ids)s);
