-- Grain: one row a customer with orders: revenue in the currency of most of them, and in each.
select
    customer_id,
    max(currency_code) filter (where is_main) as currency_code,
    max(revenue) filter (where is_main) as revenue,
    max(orders_count) filter (where is_main) as orders_count,
    jsonb_object_agg(currency_code, revenue) as revenue_by_currency
from {{ ref('int_customer_currencies') }}
group by customer_id
