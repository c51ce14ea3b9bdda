-- Grain: one row a customer who looked twice or more at something in stock, did not buy it and left nothing in a cart:
-- what they looked at last.
with

looked as (

    select distinct on (views.customer_id)
        views.customer_id,
        views.product_id,
        views.viewed_at,
        products.product
    from {{ ref('int_customer_views') }} as views
    inner join {{ ref('int_trigger_products') }} as products on views.product_id = products.product_id
    where views.views_count_14d >= 2 and views.is_in_stock and products.is_available
    order by views.customer_id asc, views.viewed_at desc, views.product_id asc

)

select
    'browse_abandoned'::text as trigger,
    'browse_abandoned:' || looked.customer_id || ':' || looked.product_id || ':'
    || extract(epoch from looked.viewed_at)::bigint as trigger_id,
    looked.customer_id,
    looked.viewed_at as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('product', looked.product) as context
from looked
left join {{ ref('int_customer_cart') }} as carts on looked.customer_id = carts.customer_id
where
    carts.customer_id is null
    and looked.viewed_at <= {{ as_of() }} - interval '{{ var("cart_abandoned_hours") }} hours'
