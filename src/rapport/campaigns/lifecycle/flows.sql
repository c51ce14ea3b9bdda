-- name: lock_flow
-- Of two ticks at once the second waits, and finds settled what the first has settled.
select pg_advisory_xact_lock(hashtextextended('flow:' || %(campaign_id)s, 0));

-- name: adopted_at
select max(adoption.adopted_at) as adopted_at
from ops.adoption as adoption;

-- name: newcomers
-- Triggers that have no run yet and whose first step is not late. One person has one run at a time: the newest trigger.
select
    found.trigger_id,
    found.customer_id,
    found.occurred_at,
    former.entered_at is not null as is_back_too_soon,
    row_number() over (partition by found.customer_id order by found.occurred_at desc, found.trigger_id asc) > 1
    as is_another
from activation.campaign_triggers as found
left join lateral (
    select run.entered_at
    from ops.flow_run as run
    where
        run.campaign_id = %(campaign_id)s
        and run.customer_id = found.customer_id
        and run.state != 'refused'
        and (run.state = 'inside' or run.entered_at > %(now)s::timestamptz - %(reenter_after)s::interval)
    order by run.entered_at desc
    limit 1
) as former on true
where
    found.trigger = %(trigger)s
    and found.occurred_at <= %(now)s
    and found.occurred_at > %(now)s::timestamptz - %(first_step_ends)s::interval
    and (found.expires_at is null or found.expires_at > %(now)s)
    and not exists (
        select 1
        from ops.flow_run as known
        where known.campaign_id = %(campaign_id)s and known.trigger_id = found.trigger_id
    )
order by found.occurred_at, found.trigger_id;

-- name: who_matches
select audience.customer_id
from activation.campaign_audience as audience
where audience.customer_id = any(%(people)s) and {condition};

-- name: insert_runs
insert into ops.flow_run (campaign_id, trigger_id, customer_id, occurred_at, entered_at, state, reason, ended_at)
select
    %(campaign_id)s,
    given.trigger_id,
    given.customer_id,
    given.occurred_at,
    %(now)s,
    case when given.reason is null then 'inside' else 'refused' end,
    given.reason,
    case when given.reason is not null then %(now)s::timestamptz end
from jsonb_to_recordset(%(rows)s) as given (
    trigger_id text, customer_id text, occurred_at timestamptz, reason text
)
on conflict (campaign_id, trigger_id) do nothing;

-- name: follow_merges
-- People are merged: the newest build knows who it is now.
update ops.flow_run
set customer_id = found.customer_id
from activation.campaign_triggers as found
where
    flow_run.campaign_id = %(campaign_id)s
    and flow_run.state = 'inside'
    and found.trigger_id = flow_run.trigger_id
    and found.customer_id != flow_run.customer_id;

-- name: asked_today
-- Whom the planner has refused today for a reason that may pass: they are asked about again tomorrow.
select
    decision.occurrence_key,
    decision.customer_id
from ops.decision as decision
where decision.campaign_id = %(campaign_id)s and decision.occurrence_key = any(%(occurrences)s);

-- name: insert_steps
insert into ops.flow_step (campaign_id, trigger_id, step, outcome, reason, occurrence_key, settled_at)
select
    %(campaign_id)s,
    given.trigger_id,
    given.step,
    given.outcome,
    given.reason,
    given.occurrence_key,
    %(now)s
from jsonb_to_recordset(%(rows)s) as given (
    trigger_id text, step text, outcome text, reason text, occurrence_key text
)
on conflict (campaign_id, trigger_id, step) do nothing;

-- name: end_runs
update ops.flow_run
set state = given.state, reason = given.reason, ended_at = %(now)s
from jsonb_to_recordset(%(rows)s) as given (trigger_id text, state text, reason text)
where
    flow_run.campaign_id = %(campaign_id)s
    and flow_run.trigger_id = given.trigger_id
    and flow_run.state = 'inside';
