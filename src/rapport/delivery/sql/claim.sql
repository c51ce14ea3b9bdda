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

-- name: claim
-- Claiming is the intent: when this has committed, an attempt is on record before any byte leaves. Everything about the
-- person is asked here, after the locks are held, so an unsubscribe committed a millisecond earlier wins.
with judged as materialized (
    select
        send.send_id,
        send.attempt_no,
        send.reason as former_reason,
        campaign.definition ->> 'from_name' as from_name,
        campaign.definition ->> 'reply_to' as reply_to,
        recipient.address,
        opening.at as next_opening,
        case
            when send.expires_at <= %(now)s then 'expired'
            when stop.reason is not null or recipient.address is null then 'suppressed'
            when request.opt_in_id is null and consent.granted is not true then 'suppressed'
            when cap.reached then 'suppressed'
            when closed.now and opening.at is null then 'expired'
            when closed.now then 'pending'
            else 'sending'
        end as verdict,
        case
            when send.expires_at <= %(now)s then 'not sent before it expired'
            when stop.reason is not null then 'suppressed: ' || stop.reason
            when request.opt_in_id is null and consent.granted is null then 'no consent: never given, and unknown means no'
            when request.opt_in_id is null and not consent.granted then 'no consent: refused or withdrawn'
            when recipient.address is null then 'the address was erased'
            when cap.reached then 'capped: enough mail on this topic in these days'
            when closed.now and opening.at is null then 'not sent before its last open hour'
            -- The reason that allowed a further attempt must outlive a night's wait.
            when closed.now and send.attempt_no > 0 then send.reason
            when closed.now then 'held until the reader''s next open hour'
        end as reason
    from ops.send as send
    inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
    inner join ops.recipient as recipient on send.recipient_key = recipient.recipient_key
    -- A mail that asks for a confirmation is the only one with a request. It comes before consent, and nothing that its
    -- confirmation would lift may hold it back; see docs/suppression.md.
    left join ops.opt_in as request
        on
            campaign.kind = 'confirmation'
            and send.recipient_key = request.recipient_key
            and send.occurrence_key = request.opt_in_id::text
    left join lateral (
        select
            force.reason,
            force.precedence
        from ops.suppression_in_force(send.recipient_key, send.topic, %(now)s) as force
        where request.opt_in_id is null or force.reason != 'soft_bounce'
        union all
        select
            force.reason,
            force.precedence
        from ops.suppression_in_force(send.recipient_key, request.topic, %(now)s) as force
        where request.opt_in_id is not null and force.precedence < 7
        order by precedence
        limit 1
    ) as stop on true
    left join lateral (
        select fact.granted
        from ops.consent_fact as fact
        where
            fact.recipient_key = send.recipient_key
            and fact.topic = send.topic
            -- A clock of somebody else's may be ahead: a refusal counts at once, a grant when its time has come.
            and (not fact.granted or fact.occurred_at <= %(now)s)
        -- Of two facts of one moment the refusal holds.
        order by fact.occurred_at desc, fact.granted asc
        limit 1
    ) as consent on true
    cross join lateral (
        select coalesce(not send.open_during @> %(now)s::timestamptz, false) as now
    ) as closed
    left join lateral (
        select min(lower(piece.hours)) as at
        from unnest(send.open_during) as piece (hours)
        where lower(piece.hours) > %(now)s and lower(piece.hours) < send.expires_at
    ) as opening on closed.now
    left join lateral (
        select count(*) >= (campaign.definition -> 'frequency_cap' ->> 'max')::integer as reached
        from ops.send as past
        where
            past.recipient_key = send.recipient_key
            and past.topic = send.topic
            and past.send_id != send.send_id
            and past.state in ('sending', 'unknown', 'accepted', 'quarantined')
            and past.due_at
            > send.due_at - make_interval(days => (campaign.definition -> 'frequency_cap' ->> 'days')::integer)
    ) as cap on jsonb_typeof(campaign.definition -> 'frequency_cap') = 'object'
    where send.send_id = any(%(send_ids)s)
),

moved as (
    update ops.send
    set
        state = judged.verdict,
        due_at = case when judged.verdict = 'pending' then judged.next_opening else send.due_at end,
        attempt_no = judged.attempt_no + (judged.verdict = 'sending')::integer,
        fence = nextval('ops.fence'),
        owner_epoch = case when judged.verdict = 'sending' then %(epoch)s end,
        lease_until = case
            when judged.verdict = 'sending' then clock_timestamp() + make_interval(secs => %(lease_seconds)s)
        end,
        not_before = null,
        reason = judged.reason
    from judged
    where send.send_id = judged.send_id
    returning
        send.send_id,
        send.campaign_id,
        send.occurrence_key,
        send.topic,
        send.policy,
        send.state,
        send.attempt_no,
        send.fence,
        send.expires_at,
        send.template_version,
        send.context,
        judged.address,
        judged.from_name,
        judged.reply_to,
        -- A further attempt is allowed by the reason that its release recorded, and by nothing else.
        case when judged.attempt_no = 0 then 'first attempt' else judged.former_reason end as allowed_because
),

intent as (
    insert into ops.send_attempt (send_id, attempt_no, fence, batch_id, intent_at, allowed_because)
    select
        moved.send_id,
        moved.attempt_no,
        moved.fence,
        %(batch_id)s,
        clock_timestamp(),
        moved.allowed_because
    from moved
    where moved.state = 'sending'
),

leaving as (
    select count(*) as mails
    from moved
    where moved.state = 'sending'
),

spent as (
    update ops.throttle
    set
        tokens = least(
            throttle.burst,
            throttle.tokens + throttle.per_second * extract(epoch from clock_timestamp() - throttle.refilled_at)
        ) - leaving.mails,
        refilled_at = clock_timestamp()
    from leaving
    where
        (throttle.scope, throttle.key) in (('all', '*'), ('campaign', %(campaign_id)s), ('mailbox', %(mailbox)s))
),

warmed as (
    update ops.warm_up
    set
        sent = case when warm_up.counted_on = %(today)s then warm_up.sent else 0 end + leaving.mails,
        counted_on = %(today)s
    from leaving
    where warm_up.sending_domain = %(sending_domain)s and warm_up.started_on <= %(today)s
)

select * from moved
order by send_id;
