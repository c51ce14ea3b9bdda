-- Grain: one row a customer and product of the catalogue looked at within ninety days and not bought since the last
-- look.
with

views as (

    select
        customer_id,
        product_id,
        count(*) as views_count,
        count(*) filter (where {{ within('viewed_at', 14) }}) as views_count_14d,
        max(viewed_at) as viewed_at
    from {{ ref('product_views') }}
    where customer_id is not null and product_id is not null and {{ within('viewed_at', 90) }}
    group by customer_id, product_id

),

bought as (

    select
        orders.customer_id,
        items.product_id,
        max(orders.ordered_at) as ordered_at
    from {{ ref('order_items') }} as items
    inner join {{ ref('orders') }} as orders on items.order_id = orders.order_id
    where orders.counts_as_order and orders.customer_id is not null and items.product_id is not null
    group by orders.customer_id, items.product_id

)

select
    views.customer_id,
    views.product_id,
    products.title,
    products.price,
    products.currency_code,
    coalesce(products.url, shown.url) as url,
    coalesce(products.image_url, shown.image_url) as image_url,
    views.views_count,
    views.views_count_14d,
    coalesce(products.is_in_stock, true) as is_in_stock,
    views.viewed_at
from views
inner join {{ ref('products') }} as products on views.product_id = products.product_id
inner join {{ ref('int_web_products') }} as shown on views.product_id = shown.product_id
left join bought on views.customer_id = bought.customer_id and views.product_id = bought.product_id
where products.is_in_catalogue and (bought.ordered_at is null or bought.ordered_at < views.viewed_at)
