-- Grain: one row an abandoned cart of a customer and last change: who goes on filling it abandons it anew. What is sold
-- out by now is left out of the cart, and prices are those of today.
select
    'cart_abandoned'::text as trigger,
    'cart_abandoned:' || carts.cart_id || ':' || extract(epoch from carts.updated_at)::bigint as trigger_id,
    carts.customer_id,
    carts.updated_at as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('cart', shown.cart) as context
from {{ ref('carts') }} as carts
inner join {{ ref('int_customer_cart') }} as shown
    on carts.customer_id = shown.customer_id and carts.cart_id = shown.cart ->> 'cart_id'
where carts.status = 'abandoned'
