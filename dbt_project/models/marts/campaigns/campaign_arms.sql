-- Grain: one row a campaign, occurrence, arm and whether its people are compared with other variants. An arm is a
-- variant of the mail, or those held out. The sums are all that a comparison needs: means, variances and what people
-- did before. capped_* lower what one person spent to what 99 in a hundred buyers of the occurrence stay below, since a
-- single large order would decide for everybody.
with

people as (

    select * from {{ ref('campaign_people') }}

),

caps as (

    select
        campaign_id,
        occurrence_key,
        percentile_cont(0.99) within group (order by reporting_revenue) filter (where reporting_revenue > 0)
            as revenue_cap,
        percentile_cont(0.99) within group (order by before_revenue) filter (where before_revenue > 0) as before_cap
    from people
    group by campaign_id, occurrence_key

),

capped as (

    select
        people.*,
        least(people.reporting_revenue, caps.revenue_cap) as capped_revenue,
        least(people.before_revenue, caps.before_cap) as capped_before
    from people
    inner join caps
        on people.campaign_id = caps.campaign_id and people.occurrence_key = caps.occurrence_key

)

select
    campaign_id,
    occurrence_key,
    arm,
    is_in_test,
    count(*) as people_count,
    count(*) filter (where has_clicked) as clicked_count,
    -- Where a shop does not track visits, nobody knows who came.
    case
        when exists (select 1 from {{ ref('sessions') }}) then count(*) filter (where has_visited)
    end as visitors_count,
    count(*) filter (where orders_count > 0) as buyers_count,
    sum(orders_count)::bigint as orders_count,
    sum(orders_count ^ 2)::double precision as orders_squares,
    sum(reporting_revenue)::numeric(18, 4) as reporting_revenue,
    sum(reporting_revenue::double precision ^ 2) as revenue_squares,
    sum(capped_revenue)::double precision as capped_revenue,
    sum(capped_revenue ^ 2)::double precision as capped_squares,
    sum(capped_before)::double precision as before_revenue,
    sum(capped_before ^ 2)::double precision as before_squares,
    sum(capped_revenue * capped_before)::double precision as before_products,
    max(effect_ends_at) as effect_ends_at,
    max(effect_ends_at) <= {{ as_of() }} as is_effect_complete,
    {{ as_of() }} as as_of
from capped
group by campaign_id, occurrence_key, arm, is_in_test
