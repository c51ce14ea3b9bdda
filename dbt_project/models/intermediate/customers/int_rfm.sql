-- Grain: one row a customer with at least one order that counts. Recency, frequency and money as 1 (low) to 5 (high).
-- Recency and money rank a customer among all others (money among those who pay in the same currency): equal values
-- get equal scores. Frequency is the plain number of orders: most customers have one, and ranks would tear them apart.
with

orders as (

    select * from {{ ref('int_customer_orders') }}
    where orders_count > 0

),

currencies as (

    select * from {{ ref('int_customer_currencies') }}
    where is_main

),

scored as (

    select
        orders.customer_id,
        orders.orders_count,
        orders.days_since_last_order,
        least(5, 1 + floor(5 * percent_rank() over (order by orders.last_order_at)))::integer as recency_score,
        case
            when orders.orders_count >= 7 then 5
            when orders.orders_count >= 4 then 4
            else orders.orders_count
        end::integer as frequency_score,
        least(
            5, 1 + floor(5 * percent_rank() over (partition by currencies.currency_code order by currencies.revenue))
        )::integer as monetary_score
    from orders
    inner join currencies on orders.customer_id = currencies.customer_id

)

select
    customer_id,
    recency_score,
    frequency_score,
    monetary_score,
    case
        when days_since_last_order > {{ var('lost_days') }} then 'lost'
        when days_since_last_order > {{ var('lapsed_days') }} then 'lapsed'
        when days_since_last_order > {{ var('recent_days') }} and orders_count >= 2 then 'at_risk'
        when days_since_last_order > {{ var('recent_days') }} then 'cooling'
        when frequency_score >= 4 and monetary_score >= 4 then 'champions'
        when orders_count >= 3 then 'loyal'
        when orders_count = 2 then 'promising'
        else 'new'
    end as rfm_group
from scored
