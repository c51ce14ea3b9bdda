-- name: plan_recipients
-- An address that was removed comes back when its owner does, unless the person was erased.
with back as (
    update ops.recipient
    set address = judged.address
    from judged
    where
        judged.outcome is null
        and recipient.recipient_key = judged.recipient_key
        and recipient.address is null
        and not exists (
            select 1
            from ops.suppression as stop
            where stop.recipient_key = judged.recipient_key and stop.reason = 'erasure'
        )
)

-- Here and below: in the order in which the judged lie, which is that of the keys.
insert into ops.recipient (recipient_key, address, created_at)
select
    judged.recipient_key,
    judged.address,
    %(now)s
from judged
where judged.outcome is null
on conflict (recipient_key) do nothing;

-- name: last_of_first_wave
-- The first wave is drawn by lot: everybody whose lot is not above this one. Who waits for something else than the hour,
-- a winner or a cap, is left out.
select max(drawn.lot) as lot
from (
    select hashtextextended(judged.recipient_key || %(occurrence_key)s, 0) as lot
    from judged
    where judged.outcome is null and not judged.awaits_winner and not judged.moved
    order by lot
    limit %(wave)s
) as drawn;

-- name: plan_sends
-- The first wave leaves as soon as its readers' hours open. An occurrence too small for a wave of its own goes whole.
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, variant, awaits_winner, topic, policy, state,
    due_at, expires_at, open_during, mailbox, canary, template_version, context, planned_at
)
select
    ops.uuid7(),
    %(campaign_id)s,
    %(occurrence_key)s,
    judged.recipient_key,
    judged.customer_id,
    judged.variant,
    judged.awaits_winner,
    %(topic)s,
    %(policy)s,
    'pending',
    case when drawn.is_first then coalesce(lower(timing.open_during), %(earliest)s) else judged.due_at end,
    timing.expires_at,
    timing.open_during,
    judged.mailbox,
    %(wave)s = 0 or drawn.is_first,
    (%(template_versions)s::text[])[judged.template_no + 1],
    judged.context,
    %(now)s
from judged
inner join timing on judged.timing_id = timing.timing_id
cross join lateral (
    select
        case
            when %(last_lot)s::bigint is null or judged.awaits_winner or judged.moved then false
            else hashtextextended(judged.recipient_key || %(occurrence_key)s, 0) <= %(last_lot)s
        end as is_first
) as drawn
where judged.outcome is null;

-- name: plan_decisions
insert into ops.decision (campaign_id, occurrence_key, customer_id, recipient_key, outcome, reason, decided_at)
select
    %(campaign_id)s,
    %(occurrence_key)s,
    judged.customer_id,
    judged.recipient_key,
    coalesce(judged.outcome, 'planned'),
    case when judged.outcome is null then timing.told || coalesce('; ' || judged.reason, '') else judged.reason end,
    %(now)s
from judged
left join timing on judged.timing_id = timing.timing_id;

-- name: decisions
select
    outcome,
    count(*) as people
from ops.decision
where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s
group by outcome;

-- name: decided
select
    customer_id,
    outcome,
    reason
from ops.decision
where
    campaign_id = %(campaign_id)s
    and occurrence_key = %(occurrence_key)s
    and customer_id = any(%(customers)s);
