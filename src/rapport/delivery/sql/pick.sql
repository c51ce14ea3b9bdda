-- name: pick
-- Rows of one lane that may be judged, locked with their recipients: two campaigns never judge one person at once, so a
-- frequency cap cannot be passed by two claims that do not see each other. Empty when anything stands against sending.
with gate as materialized (
    select 1 as open
    from ops.campaign as campaign
    inner join ops.occurrence as occurrence on campaign.campaign_id = occurrence.campaign_id
    where
        campaign.campaign_id = %(campaign_id)s
        and occurrence.occurrence_key = %(occurrence_key)s
        and not campaign.paused
        and (occurrence.canary_wait_seconds is null or occurrence.released_at is not null or %(canary)s)
        -- A switch that is missing or unreadable counts as thrown.
        and (select control.value from ops.control as control where control.name = 'kill_switch') = 'false'::jsonb
        -- A ledger that was restored may not know of what has left; see restore.py.
        and not exists (select 1 from ops.control as control where control.name = 'restored')
        and (
            campaign.policy = 'at_least_once'
            or (select control.value from ops.control as control where control.name = 'marketing_stop') = 'false'::jsonb
        )
        and not exists (
            select 1
            from ops.control as control
            where
                control.name = 'provider_pause'
                and (control.value ->> 'until')::timestamptz > clock_timestamp()
        )
        -- Behind a pooler the statement may run in a session that does not hold this worker's lock.
        and exists (
            select 1
            from pg_locks as held
            where
                held.locktype = 'advisory'
                and held.pid = pg_backend_pid()
                and held.classid = %(space)s
                and held.objid = %(epoch)s
                and held.objsubid = 2
                and held.granted
        )
),

buckets as materialized (
    select
        throttle.burst,
        throttle.tokens,
        throttle.per_second,
        throttle.refilled_at
    from ops.throttle as throttle
    where
        exists (select 1 from gate)
        and (throttle.scope, throttle.key) in (
            ('all', '*'), ('campaign', %(campaign_id)s), ('mailbox', %(mailbox)s)
        )
    -- Every claim takes them in this order, so no two wait for each other in a ring.
    order by throttle.scope, throttle.key
    for update
),

warming as materialized (
    select
        warm_up.daily_limits[%(today)s::date - warm_up.started_on + 1] as daily_limit,
        case when warm_up.counted_on = %(today)s then warm_up.sent else 0 end as sent,
        warm_up.started_on <= %(today)s as has_begun
    from ops.warm_up as warm_up
    where exists (select 1 from gate) and warm_up.sending_domain = %(sending_domain)s
    for update
),

room as materialized (
    select
        least(
            %(batch)s::double precision,
            (
                select min(least(
                    buckets.burst,
                    buckets.tokens
                    + buckets.per_second * extract(epoch from clock_timestamp() - buckets.refilled_at)
                ))
                from buckets
            ),
            (
                select case when warming.has_begun then warming.daily_limit - warming.sent else 0 end
                from warming
            )
        ) as mails
)

select send.send_id
from ops.send as send
inner join ops.recipient as recipient on send.recipient_key = recipient.recipient_key
where
    exists (select 1 from gate)
    and send.state = 'pending'
    and send.campaign_id = %(campaign_id)s
    and send.occurrence_key = %(occurrence_key)s
    and send.mailbox = %(mailbox)s
    and send.canary = %(canary)s
    and send.due_at <= %(now)s
    and (send.not_before is null or send.not_before <= clock_timestamp())
order by send.due_at, send.send_id
limit (select greatest(0, floor(room.mails))::integer from room)
for no key update of send, recipient skip locked;

-- name: charge_rates
-- The buckets that `pick` has locked pay for what leaves; what was only held or suppressed costs nothing.
update ops.throttle
set
    tokens = least(
        throttle.burst,
        throttle.tokens + throttle.per_second * extract(epoch from clock_timestamp() - throttle.refilled_at)
    ) - %(mails)s,
    refilled_at = clock_timestamp()
where (throttle.scope, throttle.key) in (('all', '*'), ('campaign', %(campaign_id)s), ('mailbox', %(mailbox)s));

-- name: charge_warm_up
update ops.warm_up
set
    sent = case when warm_up.counted_on = %(today)s then warm_up.sent else 0 end + %(mails)s,
    counted_on = %(today)s
where warm_up.sending_domain = %(sending_domain)s and warm_up.started_on <= %(today)s;
