-- name: doubtful
-- Sends that may be repeated if the provider would by now have told us of them. Never one that was attempted before
-- the database was restored: what told of it may be lost with what came after the backup.
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
    and attempt.intent_at > coalesce((select max(adoption.recorded_at) from ops.adoption), '-infinity')
    and not exists (select 1 from ops.control where control.name = 'restored')
    and not exists (select 1 from ops.webhook_inbox as inbox where inbox.send_id = send.send_id)
order by send.send_id;

-- name: evidence_around
-- Of the attempts answered with acceptance around `at`: how many, how many of them have an event, and when the newest of all
-- attempts that have one was made. Our own clock only: the provider's may differ and webhooks may come late.
with near as (
    select
        attempt.intent_at,
        exists (
            select 1
            from ops.webhook_inbox as inbox
            where inbox.send_id = attempt.send_id and inbox.event in ('processed', 'dropped')
        ) as told
    from ops.send_attempt as attempt
    where
        attempt.outcome = 'accepted'
        and attempt.http_status in (202, 250)
        and attempt.intent_at between %(at)s - make_interval(secs => %(around_seconds)s)
        and %(at)s + make_interval(secs => %(around_seconds)s)
)

select
    count(*) as answered,
    count(*) filter (where near.told) as told,
    count(*) filter (where near.intent_at > %(at)s) as answered_after,
    (
        select max(attempt.intent_at)
        from ops.send_attempt as attempt
        where
            attempt.outcome = 'accepted'
            and attempt.http_status in (202, 250)
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
