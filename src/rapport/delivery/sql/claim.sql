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
    -- The last guard of caps: the planner may not have known what has left since.
    cross join lateral (
        select ops.cap_reached(send, campaign.definition -> 'frequency_cap', request.opt_in_id is not null) as reached
    ) as cap
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
)

select * from moved
order by send_id;
