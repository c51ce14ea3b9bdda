-- name: standing_by_step
-- How many people have each step still before them as the next one, and how each settled step came out.
select
    step.step,
    step.outcome,
    count(*) as people
from ops.flow_step as step
where step.campaign_id = %(campaign_id)s
group by step.step, step.outcome
order by step.step, step.outcome;

-- name: standing_inside
select
    run.trigger_id,
    coalesce(array_agg(step.step) filter (where step.step is not null), '{}') as settled
from ops.flow_run as run
left join ops.flow_step as step on run.campaign_id = step.campaign_id and run.trigger_id = step.trigger_id
where run.campaign_id = %(campaign_id)s and run.state = 'inside'
group by run.trigger_id;

-- name: standing_ended
select
    run.state,
    coalesce(run.reason, 'had every step') as reason,
    count(*) as people
from ops.flow_run as run
where run.campaign_id = %(campaign_id)s and run.state != 'inside'
group by run.state, run.reason
order by people desc, run.state, reason;
