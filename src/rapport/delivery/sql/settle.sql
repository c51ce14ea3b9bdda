-- name: settle
-- Results of one round in one statement. The fence lets a result touch only the attempt it belongs to, and states
-- that are final absorb whatever comes late.
with result as (
    select *
    from unnest(
        %(send_id)s::uuid[],
        %(fence)s::bigint[],
        %(outcome)s::text[],
        %(state)s::text[],
        %(detail)s::text[],
        %(http_status)s::integer[],
        %(message_id)s::text[],
        %(wait_seconds)s::double precision[],
        %(payload_sha256)s::text[],
        %(finished_at)s::timestamptz[],
        %(request_id)s::uuid[]
    ) as given (
        send_id,
        fence,
        outcome,
        state,
        detail,
        http_status,
        message_id,
        wait_seconds,
        payload_sha256,
        finished_at,
        request_id
    )
),

attempt as (
    update ops.send_attempt
    set
        finished_at = clock_timestamp(),
        outcome = result.outcome,
        http_status = result.http_status,
        provider_message_id = result.message_id,
        request_id = result.request_id,
        detail = result.detail
    from result
    where send_attempt.send_id = result.send_id and send_attempt.fence = result.fence
),

-- In the order of their ids, as every writer takes them, so that two writers never wait for each other in a ring.
locked as materialized (
    select send.send_id
    from ops.send as send
    where send.send_id = any(%(send_id)s::uuid[])
    order by send.send_id
    for update
)

update ops.send
set
    state = result.state,
    reason = case when result.state = 'accepted' then null else result.detail end,
    accepted_at = case when result.state = 'accepted' then result.finished_at end,
    unknown_since = case when result.state = 'unknown' then coalesce(send.unknown_since, clock_timestamp()) end,
    not_before = case
        when result.wait_seconds > 0 then clock_timestamp() + make_interval(secs => result.wait_seconds)
    end,
    payload_sha256 = coalesce(result.payload_sha256, send.payload_sha256),
    lease_until = null
from result, locked
where
    send.send_id = result.send_id
    and locked.send_id = send.send_id
    and send.fence = result.fence
    and (
        send.state in ('sending', 'unknown')
        -- An answer that came after we gave up waiting is proof as good as an event.
        or (send.state = 'quarantined' and result.state = 'accepted')
    )
returning send.send_id, send.state;

-- name: pause_provider
-- All workers obey it, because the claim reads it. A pause is only ever made longer.
insert into ops.control (name, value, changed_at)
values (
    'provider_pause',
    jsonb_build_object(
        'until', clock_timestamp() + make_interval(secs => %(seconds)s), 'because', %(because)s::text
    ),
    clock_timestamp()
)
on conflict (name) do update
set value = excluded.value, changed_at = excluded.changed_at
where (control.value ->> 'until')::timestamptz < (excluded.value ->> 'until')::timestamptz
returning name;

-- name: owner_is_gone
-- The session that was lost may still live on the server's side and commit that claim yet.
select pg_try_advisory_xact_lock(%(space)s, %(epoch)s) as gone;

-- name: return_batch
-- A claim whose answer was lost: if it took effect, none of its rows was sent, because nobody ever held them.
with unsent as materialized (
    select
        send.send_id,
        send.fence
    from ops.send_attempt as attempt
    inner join ops.send as send on attempt.send_id = send.send_id and attempt.fence = send.fence
    where attempt.batch_id = %(batch_id)s and attempt.outcome is null and send.state = 'sending'
    order by send.send_id
    for update of send
),

attempt as (
    update ops.send_attempt
    set outcome = 'not_sent', finished_at = clock_timestamp(), detail = 'not sent: the answer to its claim was lost'
    from unsent
    where send_attempt.send_id = unsent.send_id and send_attempt.fence = unsent.fence
)

update ops.send
set state = 'pending', reason = 'not sent: the answer to its claim was lost', lease_until = null
from unsent
where send.send_id = unsent.send_id
returning send.send_id;
