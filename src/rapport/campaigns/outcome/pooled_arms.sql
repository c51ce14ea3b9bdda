-- name: pooled_arms
-- As marts.campaign_arms, over all occurrences of the period. A person counts once, with what the lot gave them first,
-- from then on: of a flow for the usual days, else until the last occurrence has had its days, the same for everybody.
with people as (
    select
        person.*,
        case when %(is_flow)s then split_part(person.occurrence_key, '@', 1) else '' end as step
    from marts.campaign_people as person
    where person.campaign_id = %(campaign_id)s and person.planned_at > %(since)s
),

first as (
    select distinct on (drawn.step, drawn.experiment, drawn.customer_id)
        drawn.step,
        drawn.experiment,
        drawn.customer_id,
        drawn.arm,
        drawn.is_in_test,
        drawn.drawn_at,
        drawn.before_revenue,
        bool_or(drawn.has_clicked) over (partition by drawn.step, drawn.experiment, drawn.customer_id) as has_clicked,
        case
            when %(is_flow)s then drawn.effect_ends_at
            else max(drawn.effect_ends_at) over (partition by drawn.step, drawn.experiment)
        end as effect_ends_at
    from people as drawn
    order by drawn.step asc, drawn.experiment asc, drawn.customer_id asc, drawn.drawn_at asc, drawn.occurrence_key asc
),

bought as (
    select
        first.step,
        first.experiment,
        first.customer_id,
        count(*) as orders_count,
        sum(orders.reporting_revenue) as reporting_revenue
    from first
    inner join marts.orders as orders
        on
            first.customer_id = orders.customer_id
            and orders.counts_as_order
            and first.drawn_at <= orders.ordered_at
            and first.effect_ends_at > orders.ordered_at
    group by first.step, first.experiment, first.customer_id
),

people_once as (
    select
        first.*,
        coalesce(bought.orders_count, 0) as orders_count,
        coalesce(bought.reporting_revenue, 0) as reporting_revenue
    from first
    left join bought
        on
            first.step = bought.step
            and first.experiment is not distinct from bought.experiment
            and first.customer_id = bought.customer_id
),

caps as (
    select
        step,
        experiment,
        percentile_cont(0.99) within group (order by reporting_revenue) filter (where reporting_revenue > 0)
            as revenue_cap,
        percentile_cont(0.99) within group (order by before_revenue) filter (where before_revenue > 0) as before_cap
    from people_once
    group by step, experiment
),

capped as (
    select
        once.*,
        least(once.reporting_revenue, caps.revenue_cap)::double precision as capped_revenue,
        least(once.before_revenue, caps.before_cap)::double precision as capped_before
    from people_once as once
    inner join caps on once.step = caps.step and once.experiment is not distinct from caps.experiment
)

select
    step,
    experiment,
    arm,
    is_in_test,
    count(*) as people_count,
    count(*) filter (where has_clicked) as clicked_count,
    count(*) filter (where orders_count > 0) as buyers_count,
    sum(orders_count)::double precision as orders_count,
    sum(orders_count ^ 2)::double precision as orders_squares,
    sum(reporting_revenue)::double precision as reporting_revenue,
    sum(reporting_revenue::double precision ^ 2) as revenue_squares,
    sum(capped_revenue) as capped_revenue,
    sum(capped_revenue ^ 2) as capped_squares,
    sum(capped_before) as before_revenue,
    sum(capped_before ^ 2) as before_squares,
    sum(capped_revenue * capped_before) as before_products,
    max(effect_ends_at) as effect_ends_at,
    max(effect_ends_at) <= %(as_of)s as is_effect_complete
from capped
group by step, experiment, arm, is_in_test
order by arm, is_in_test desc;
