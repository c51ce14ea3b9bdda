-- Grain: one row a person whom the lot of an occurrence gave a variant of the mail, or nothing. What they did counts
-- whether or not the mail reached them (intention to treat), from the moment of the plan, which is the same for all.
-- Without an exchange rate an order counts and its money does not. Whoever pools occurrences counts a person once.
with

messages as (

    select * from {{ ref('messages') }}

),

held_out as (

    select * from {{ ref('stg_ops__decisions') }}
    where outcome in ('holdout', 'global_holdout')

),

occurrences as (

    select * from {{ ref('stg_ops__occurrences') }}

),

customer_ids as (

    select * from {{ source('identity', 'customer_ids') }}

),

orders as (

    select * from {{ ref('orders') }}
    where counts_as_order

),

drawn as (

    select
        messages.campaign_id,
        messages.occurrence_key,
        messages.customer_id,
        messages.variant as arm,
        messages.is_in_test,
        messages.planned_at as drawn_at,
        messages.clicked_at is not null as has_clicked
    from messages
    -- Who asks for a confirmation is no customer yet.
    inner join customer_ids on messages.customer_id = customer_ids.customer_id
    union all
    select
        held_out.campaign_id,
        held_out.occurrence_key,
        coalesce(customer_ids.merged_into, customer_ids.customer_id) as customer_id,
        held_out.outcome as arm,
        true as is_in_test,
        held_out.decided_at as drawn_at,
        false as has_clicked
    from held_out
    inner join customer_ids on held_out.planned_customer_id = customer_ids.customer_id

),

-- Two records that later turned out to be one person: where one of them got a mail, the person did.
people as (

    select distinct on (campaign_id, occurrence_key, customer_id) *
    from drawn
    order by
        campaign_id asc,
        occurrence_key asc,
        customer_id asc,
        arm in ('holdout', 'global_holdout') asc,
        has_clicked desc,
        arm asc

),

bought as (

    select
        people.campaign_id,
        people.occurrence_key,
        people.customer_id,
        count(*) filter (where orders.ordered_at >= people.drawn_at) as orders_count,
        sum(orders.reporting_revenue) filter (where orders.ordered_at >= people.drawn_at) as reporting_revenue,
        sum(orders.reporting_revenue) filter (where orders.ordered_at < people.drawn_at) as before_revenue
    from people
    inner join orders
        on
            people.customer_id = orders.customer_id
            and orders.ordered_at >= people.drawn_at - interval '{{ var("before_days") }} days'
            and orders.ordered_at < people.drawn_at + interval '{{ var("effect_days") }} days'
    group by people.campaign_id, people.occurrence_key, people.customer_id

),

visited as (

    select distinct
        people.campaign_id,
        people.occurrence_key,
        people.customer_id
    from people
    inner join {{ ref('sessions') }} as sessions
        on
            people.customer_id = sessions.customer_id
            and people.drawn_at <= sessions.started_at
            and people.drawn_at + interval '{{ var("effect_days") }} days' > sessions.started_at

)

select
    people.campaign_id,
    people.occurrence_key,
    people.customer_id,
    occurrences.experiment,
    people.arm,
    people.is_in_test,
    people.has_clicked,
    visited.customer_id is not null as has_visited,
    coalesce(bought.orders_count, 0) as orders_count,
    coalesce(bought.reporting_revenue, 0)::numeric(18, 4) as reporting_revenue,
    coalesce(bought.before_revenue, 0)::numeric(18, 4) as before_revenue,
    people.drawn_at,
    occurrences.planned_at,
    people.drawn_at + interval '{{ var("effect_days") }} days' as effect_ends_at
from people
left join occurrences
    on people.campaign_id = occurrences.campaign_id and people.occurrence_key = occurrences.occurrence_key
left join bought
    on
        people.campaign_id = bought.campaign_id
        and people.occurrence_key = bought.occurrence_key
        and people.customer_id = bought.customer_id
left join visited
    on
        people.campaign_id = visited.campaign_id
        and people.occurrence_key = visited.occurrence_key
        and people.customer_id = visited.customer_id
