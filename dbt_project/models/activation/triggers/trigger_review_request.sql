-- Grain: one row a delivered order whose dearest product can be reviewed: it is still in the catalogue, and its buyer
-- has given no bad rating since the order.
select
    'review_request'::text as trigger,
    'review_request:' || orders.order_id as trigger_id,
    orders.customer_id,
    orders.delivered_at as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('order', orders.order_shown, 'product', products.product) as context
from {{ ref('int_trigger_orders') }} as orders
inner join {{ ref('int_trigger_products') }} as products on orders.product_id = products.product_id
inner join {{ ref('customers') }} as customers on orders.customer_id = customers.customer_id
where
    orders.is_sent
    and orders.delivered_at <= {{ as_of() }}
    and (customers.last_bad_rating_at is null or customers.last_bad_rating_at < orders.ordered_at)
