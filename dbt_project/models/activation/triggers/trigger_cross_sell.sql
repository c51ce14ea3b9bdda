-- Grain: one row a delivered order for which scores know a companion: what others bought with its dearest product, is
-- available, and its buyer has not bought yet.
with

bought as (

    select distinct
        customer_id,
        product_id
    from {{ ref('order_items') }}
    where customer_id is not null and product_id is not null and net_quantity > 0

),

companions as (

    select distinct on (orders.order_id)
        orders.order_id,
        products.product
    from {{ ref('int_trigger_orders') }} as orders
    inner join {{ source('scores', 'product_pairs') }} as pairs on orders.product_id = pairs.product_id
    inner join {{ ref('int_trigger_products') }} as products on pairs.companion_id = products.product_id
    left join bought on orders.customer_id = bought.customer_id and pairs.companion_id = bought.product_id
    where products.is_available and bought.product_id is null
    order by orders.order_id asc, pairs.rank asc

)

select
    'cross_sell'::text as trigger,
    'cross_sell:' || orders.order_id as trigger_id,
    orders.customer_id,
    orders.delivered_at as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object(
        'order', orders.order_shown, 'bought', owned.product, 'product', companions.product
    ) as context
from {{ ref('int_trigger_orders') }} as orders
inner join companions on orders.order_id = companions.order_id
inner join {{ ref('int_trigger_products') }} as owned on orders.product_id = owned.product_id
where orders.is_sent and orders.delivered_at <= {{ as_of() }}
