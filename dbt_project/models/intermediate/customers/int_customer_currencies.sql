-- Grain: one row a customer and currency. Amounts of different currencies are never added.
-- is_main marks the currency of most of a customer's orders.
with

orders as (

    select * from {{ ref('orders') }}
    where customer_id is not null

),

summed as (

    select
        customer_id,
        currency_code,
        sum(revenue)::numeric(18, 4) as revenue,
        count(*) filter (where counts_as_order) as orders_count
    from orders
    group by customer_id, currency_code

)

select
    *,
    row_number() over (
        partition by customer_id order by orders_count desc, revenue desc, currency_code asc
    ) = 1 as is_main
from summed
