-- Each model gives away every order that follows a mail once, and so the same orders and the same money in all. An
-- independent path: the orders themselves.
with

results as (

    select
        coalesce(sum(orders_count), 0) as last_touch_orders,
        coalesce(sum(linear_orders_count), 0) as linear_orders,
        coalesce(sum(position_orders_count), 0) as position_orders,
        coalesce(sum(reporting_revenue), 0) as last_touch_revenue,
        coalesce(sum(linear_reporting_revenue), 0) as linear_revenue,
        coalesce(sum(position_reporting_revenue), 0) as position_revenue,
        -- What rounding to the fourth digit may leave in as many rows.
        0.0001 * (count(*) + 1) as rounding
    from {{ ref('campaign_results') }}

),

followed as (

    select
        count(*) as orders,
        coalesce(sum(orders.reporting_revenue), 0) as revenue
    from {{ ref('orders') }} as orders
    where
        orders.counts_as_order
        and exists (
            select 1
            from {{ ref('messages') }} as messages
            where
                messages.customer_id = orders.customer_id
                and messages.bounced_at is null
                and messages.accepted_at <= orders.ordered_at
                and orders.ordered_at - messages.accepted_at < interval '{{ var("attribution_days") }} days'
        )

)

select results.*
from results
cross join followed
where
    results.last_touch_orders <> followed.orders
    or abs(results.linear_orders - followed.orders) > results.rounding
    or abs(results.position_orders - followed.orders) > results.rounding
    or abs(results.last_touch_revenue - followed.revenue) > results.rounding
    or abs(results.linear_revenue - followed.revenue) > results.rounding
    or abs(results.position_revenue - followed.revenue) > results.rounding
