-- The product lines of each currency sum to its orders, and every order's lines are there.
with

items as (

    select
        currency_code,
        sum(revenue) filter (where line_kind = 'product') as revenue,
        count(*) as lines_count
    from {{ ref('order_items') }}
    group by currency_code

),

orders as (

    select
        currency_code,
        sum(revenue) as revenue,
        sum(lines_count) as lines_count
    from {{ ref('orders') }}
    group by currency_code

)

select
    items.revenue as of_items,
    orders.revenue as of_orders
from items
full join orders on items.currency_code = orders.currency_code
where
    coalesce(items.revenue, 0) <> coalesce(orders.revenue, 0)
    or coalesce(items.lines_count, 0) <> coalesce(orders.lines_count, 0)
