-- name: claim_batch
-- Claiming is the intent: when this statement has committed, an attempt is on record before any byte leaves. Everything
-- that may forbid the mail is asked here and nowhere else, so an unsubscribe committed a millisecond earlier wins.
with gate as materialized (
    select 1 as open
    where
        -- A switch that is missing or unreadable counts as thrown.
        (select control.value from ops.control as control where control.name = 'kill_switch') = 'false'::jsonb
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

due as materialized (
    select
        send.send_id,
        send.recipient_key,
        send.topic,
        send.expires_at,
        -- As they are once the row is locked, which may be newer than this statement's snapshot.
        send.attempt_no,
        send.reason as former_reason,
        campaign.definition ->> 'from_name' as from_name,
        campaign.definition ->> 'reply_to' as reply_to
    from ops.send as send
    inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
    where
        exists (select 1 from gate)
        and send.state = 'pending'
        and send.due_at <= %(now)s
        and (send.not_before is null or send.not_before <= clock_timestamp())
        and (not campaign.paused or send.expires_at <= %(now)s)
    order by send.due_at, send.send_id
    limit %(batch)s
    for update of send skip locked
),

judged as materialized (
    select
        due.send_id,
        due.attempt_no,
        due.former_reason,
        due.from_name,
        due.reply_to,
        recipient.address,
        case
            when due.expires_at <= %(now)s then 'expired'
            when stop.reason is not null or consent.granted is not true or recipient.address is null then 'suppressed'
            else 'sending'
        end as verdict,
        case
            when due.expires_at <= %(now)s then 'not sent before it expired'
            when stop.reason is not null then 'suppressed: ' || stop.reason
            when consent.granted is null then 'no consent: never given, and unknown means no'
            when not consent.granted then 'no consent: refused or withdrawn'
            when recipient.address is null then 'the address was erased'
        end as reason
    from due
    left join ops.recipient as recipient on due.recipient_key = recipient.recipient_key
    left join lateral (
        select suppression.reason
        from ops.suppression as suppression
        where suppression.recipient_key = due.recipient_key and suppression.topic in ('*', due.topic)
        order by array_position(
            array['erasure', 'manual', 'unsubscribe', 'complaint', 'hard_bounce'], suppression.reason
        )
        limit 1
    ) as stop on true
    left join lateral (
        select fact.granted
        from ops.consent_fact as fact
        where
            fact.recipient_key = due.recipient_key
            and fact.topic = due.topic
            and fact.occurred_at <= %(now)s
        -- Of two facts of one moment the refusal holds.
        order by fact.occurred_at desc, fact.granted asc
        limit 1
    ) as consent on true
),

moved as (
    update ops.send
    set
        state = judged.verdict,
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
        send.state,
        send.reason,
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

-- name: soonest_wait
-- Seconds until a row that is due may be claimed: below zero means now. Null when nothing due is waiting for its time.
select
    extract(
        epoch from min(greatest(
            coalesce(send.not_before, '-infinity'),
            coalesce((control.value ->> 'until')::timestamptz, '-infinity'),
            clock_timestamp() - interval '1 second'
        )) - clock_timestamp()
    )::double precision as seconds
from ops.send as send
inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
left join ops.control as control on control.name = 'provider_pause'
where
    send.state = 'pending'
    and send.due_at <= %(now)s
    and not campaign.paused
    and (
        send.not_before > clock_timestamp()
        or (control.value ->> 'until')::timestamptz > clock_timestamp()
    )
    and (select control.value from ops.control as control where control.name = 'kill_switch') = 'false'::jsonb;

-- name: templates
select template_version, campaign_id, language, subject, preheader, html, body_text
from ops.template
where template_version = any(%(versions)s);
