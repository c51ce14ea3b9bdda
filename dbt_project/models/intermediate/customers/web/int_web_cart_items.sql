-- Grain: one row a cart and product of the catalogue that is still in it: what was put in, less what was taken out.
-- Title and price are the catalogue's, since anybody can send events; what it does not know is left out.
with

counted as (

    select
        cart_id,
        product_id,
        sum(
            case kind when 'cart_add' then 1 when 'cart_remove' then -1 end * coalesce(quantity, 1)
        ) as quantity,
        max(occurred_at) filter (where kind = 'cart_add') as added_at
    from {{ ref('int_web_cart_events') }}
    where kind in ('cart_add', 'cart_remove') and product_id is not null
    group by cart_id, product_id

)

select
    counted.cart_id,
    counted.product_id,
    products.title,
    products.currency_code,
    coalesce(products.url, shown.url) as url,
    coalesce(products.image_url, shown.image_url) as image_url,
    counted.quantity,
    products.price,
    coalesce(products.is_in_stock, true) as is_in_stock,
    counted.added_at
from counted
inner join {{ ref('products') }} as products on counted.product_id = products.product_id
inner join {{ ref('int_web_products') }} as shown on counted.product_id = shown.product_id
where counted.quantity > 0 and products.is_in_catalogue
