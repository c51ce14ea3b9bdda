-- Grain: one row a campaign, occurrence, arm and week since the plan, for weeks that are over for everybody: how the
-- people of an arm behave later, beside those held out. Orders and departures count whatever caused them.
{% set weeks = 12 %}
with

people as (

    select * from {{ ref('campaign_people') }}

),

ordered as (

    select
        people.campaign_id,
        people.occurrence_key,
        people.arm,
        people.customer_id,
        floor(extract(epoch from orders.ordered_at - people.drawn_at) / 604800)::integer as week,
        orders.reporting_revenue
    from people
    inner join {{ ref('orders') }} as orders
        on
            people.customer_id = orders.customer_id
            and orders.counts_as_order
            and people.drawn_at <= orders.ordered_at
            and people.drawn_at + interval '{{ weeks }} weeks' > orders.ordered_at

),

left_by_week as (

    select
        people.campaign_id,
        people.occurrence_key,
        people.arm,
        floor(extract(epoch from messages.unsubscribed_at - people.drawn_at) / 604800)::integer as week,
        count(distinct people.customer_id) as unsubscribed_count
    from people
    inner join {{ ref('messages') }} as messages
        on
            people.customer_id = messages.customer_id
            and messages.unsubscribed_at is not null
            and people.drawn_at <= messages.unsubscribed_at
            and people.drawn_at + interval '{{ weeks }} weeks' > messages.unsubscribed_at
    group by people.campaign_id, people.occurrence_key, people.arm, week

),

bought_by_week as (

    select
        campaign_id,
        occurrence_key,
        arm,
        week,
        count(distinct customer_id) as buyers_count,
        count(*) as orders_count,
        sum(reporting_revenue) as reporting_revenue
    from ordered
    group by campaign_id, occurrence_key, arm, week

),

drawn as (

    select
        campaign_id,
        occurrence_key,
        arm,
        count(*) as people_count,
        max(drawn_at) as last_drawn_at
    from people
    group by campaign_id, occurrence_key, arm

),

arms as (

    select
        drawn.*,
        series.week
    from drawn
    cross join generate_series(0, {{ weeks - 1 }}) as series (week)
    where drawn.last_drawn_at + (series.week + 1) * interval '1 week' <= {{ as_of() }}

)

select
    arms.campaign_id,
    arms.occurrence_key,
    arms.arm,
    arms.week,
    arms.people_count,
    coalesce(bought_by_week.buyers_count, 0) as buyers_count,
    coalesce(bought_by_week.orders_count, 0) as orders_count,
    coalesce(bought_by_week.reporting_revenue, 0)::numeric(18, 4) as reporting_revenue,
    coalesce(left_by_week.unsubscribed_count, 0) as unsubscribed_count
from arms
left join bought_by_week
    on
        arms.campaign_id = bought_by_week.campaign_id
        and arms.occurrence_key = bought_by_week.occurrence_key
        and arms.arm = bought_by_week.arm
        and arms.week = bought_by_week.week
left join left_by_week
    on
        arms.campaign_id = left_by_week.campaign_id
        and arms.occurrence_key = left_by_week.occurrence_key
        and arms.arm = left_by_week.arm
        and arms.week = left_by_week.week
