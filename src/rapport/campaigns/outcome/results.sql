-- name: occurrences
select
    result.occurrence_key,
    result.experiment,
    min(result.planned_at) as planned_at,
    (select one.reporting_currency from marts.orders as one limit 1) as currency
from marts.campaign_results as result
where
    result.campaign_id = %(campaign_id)s
    and (%(occurrence_key)s::text is null or result.occurrence_key = %(occurrence_key)s)
group by result.occurrence_key, result.experiment
having sum(result.planned) > 0
order by min(result.planned_at) desc, result.occurrence_key desc
limit 1;

-- name: results
select *
from marts.campaign_results as result
where result.campaign_id = %(campaign_id)s and result.occurrence_key = %(occurrence_key)s
order by result.variant;

-- name: arms
select *
from marts.campaign_arms as arm
where arm.campaign_id = %(campaign_id)s and arm.occurrence_key = %(occurrence_key)s
order by arm.arm, arm.is_in_test desc;

-- name: lot
select occurrence.lot
from ops.occurrence as occurrence
where occurrence.campaign_id = %(campaign_id)s and occurrence.occurrence_key = %(occurrence_key)s;

-- name: decision
select decision.*
from ops.experiment_decision as decision
where decision.campaign_id = %(campaign_id)s and decision.occurrence_key = %(occurrence_key)s;

-- name: published
select to_regclass('marts.campaign_arms') is not null as there;
