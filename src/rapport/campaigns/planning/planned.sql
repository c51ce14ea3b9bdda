-- name: plan_recipients
-- An address that was removed comes back when its owner does, unless the person was erased.
with back as (
    update ops.recipient
    set address = judged.address
    from judged
    where
        judged.outcome = 'planned'
        and recipient.recipient_key = judged.recipient_key
        and recipient.address is null
        and not exists (
            select 1
            from ops.suppression as stop
            where stop.recipient_key = judged.recipient_key and stop.reason = 'erasure'
        )
)

insert into ops.recipient (recipient_key, address, created_at)
select
    judged.recipient_key,
    judged.address,
    %(now)s
from judged
where judged.outcome = 'planned'
-- In the order of the indexes that most of the work goes into, here and below: neighbours share a page.
order by judged.recipient_key
on conflict (recipient_key) do nothing;

-- name: create_first_wave
create temporary table if not exists first_wave (place bigint primary key) on commit drop;
truncate first_wave;

-- name: choose_first_wave
-- Chosen by lot. Who waits for something else than the hour, a winner or a cap, is left out.
insert into first_wave (place)
select judged.place
from judged
where judged.outcome = 'planned' and not judged.awaits_winner and not judged.moved
order by md5(judged.recipient_key || %(occurrence_key)s)
limit %(wave)s;

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
    case
        when first_wave.place is not null then coalesce(lower(hours.open_during), %(earliest)s)
        else judged.due_at
    end,
    judged.expires_at,
    hours.open_during,
    judged.mailbox,
    %(wave)s = 0 or first_wave.place is not null,
    (%(template_versions)s::text[])[judged.template_no + 1],
    judged.context,
    %(now)s
from judged
inner join hours on judged.hours_id = hours.hours_id
left join first_wave on judged.place = first_wave.place
where judged.outcome = 'planned'
order by judged.recipient_key;

-- name: plan_decisions
insert into ops.decision (campaign_id, occurrence_key, customer_id, recipient_key, outcome, reason, decided_at)
select
    %(campaign_id)s,
    %(occurrence_key)s,
    judged.customer_id,
    judged.recipient_key,
    judged.outcome,
    judged.reason,
    %(now)s
from judged
order by judged.recipient_key;

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
