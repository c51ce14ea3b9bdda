-- name: campaign
select
    campaign.kind,
    array(
        select step.value ->> 'name'
        from jsonb_array_elements(coalesce(campaign.definition -> 'steps', '[]')) with ordinality as step
        order by step.ordinality
    ) as steps
from ops.campaign as campaign
where campaign.campaign_id = %(campaign_id)s;

-- name: built
-- The moment that the published figures speak of.
select
    max(arm.as_of) as as_of,
    (select one.reporting_currency from marts.orders as one limit 1) as currency
from marts.campaign_arms as arm;

-- name: pooled_counts
-- Mails of the period, by step of a flow, experiment and variant.
select
    case when %(is_flow)s then split_part(result.occurrence_key, '@', 1) else '' end as step,
    result.experiment,
    result.variant,
    count(*) as occurrences_count,
    min(result.planned_at) as first_planned_at,
    max(result.planned_at) as planned_at,
    sum(result.planned)::bigint as planned,
    sum(result.accepted)::bigint as accepted,
    sum(result.delivered)::bigint as delivered,
    sum(result.opened)::bigint as opened,
    sum(result.machine_opened_only)::bigint as machine_opened_only,
    sum(result.clicked)::bigint as clicked,
    sum(result.machine_clicked_only)::bigint as machine_clicked_only,
    sum(result.unsubscribed)::bigint as unsubscribed,
    sum(result.complained)::bigint as complained,
    sum(result.bounced)::bigint as bounced,
    sum(result.orders_count)::bigint as orders_count,
    sum(result.linear_orders_count) as linear_orders_count,
    sum(result.position_orders_count) as position_orders_count,
    sum(result.reporting_revenue) as reporting_revenue,
    sum(result.linear_reporting_revenue) as linear_reporting_revenue,
    sum(result.position_reporting_revenue) as position_reporting_revenue,
    sum(result.reporting_cost) as reporting_cost,
    (sum(result.reporting_revenue) - sum(result.reporting_cost)) / nullif(sum(result.reporting_cost), 0)
        as attributed_roi
from marts.campaign_results as result
where result.campaign_id = %(campaign_id)s and result.planned_at > %(since)s and result.planned > 0
group by 1, 2, 3
order by result.variant;

-- name: pooled_lots
-- What each occurrence of the period was drawn by.
select distinct
    case when %(is_flow)s then split_part(occurrence.occurrence_key, '@', 1) else '' end as step,
    occurrence.lot -> 'experiment' ->> 'name' as experiment,
    occurrence.lot - 'templates' as lot
from ops.occurrence as occurrence
where occurrence.campaign_id = %(campaign_id)s and occurrence.planned_at > %(since)s;
