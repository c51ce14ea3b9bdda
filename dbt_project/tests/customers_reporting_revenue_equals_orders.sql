-- Of customers whose every order has a rate, no money in the reporting currency is lost or counted twice.
with

by_order as (

    select
        customer_id,
        sum(revenue * exchange_rate) as revenue,
        count(*) as documents_count,
        bool_or(exchange_rate is null) as lacks_rate
    from {{ ref('orders') }}
    where customer_id is not null
    group by customer_id

)

select customers.customer_id
from {{ ref('customers') }} as customers
left join by_order on customers.customer_id = by_order.customer_id
where
    (customers.reporting_revenue is null) is distinct from coalesce(by_order.lacks_rate, false)
    -- Here an order is converted as a whole, there line by line.
    or abs(customers.reporting_revenue - coalesce(by_order.revenue, 0)) > 0.01 * coalesce(by_order.documents_count, 1)
