-- Grain: one row a customer with things in a cart: the newest one of thirty days that was not ordered, as a mail may
-- show it. What is sold out is left out, and a cart of nothing else is none.
with

carts as (

    select distinct on (customer_id)
        customer_id,
        cart_id,
        updated_at
    from {{ ref('carts') }}
    where customer_id is not null and status in ('open', 'abandoned') and {{ within('updated_at', 30) }}
    order by customer_id asc, updated_at desc, cart_id asc

),

-- Where the shop shows a cart, as most devices were shown it, so that one forged event changes no link.
pages as (

    select cart_url
    from {{ ref('int_web_cart_events') }}
    where cart_url is not null
    group by cart_url
    order by count(distinct device_id) desc, cart_url asc
    limit 1

),

items as (

    select * from {{ ref('int_web_cart_items') }}
    where is_in_stock

)

select
    carts.customer_id,
    jsonb_build_object(
        'cart_id', carts.cart_id,
        'updated_at', to_char(carts.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'value', case when count(distinct items.currency_code) = 1 then sum(items.quantity * items.price) end,
        'currency_code', case when count(distinct items.currency_code) = 1 then min(items.currency_code) end,
        'url', (select pages.cart_url from pages),
        'items', jsonb_agg(
            jsonb_build_object(
                'product_id', items.product_id,
                'title', items.title,
                'quantity', items.quantity,
                'price', items.price,
                'url', items.url,
                'image_url', items.image_url
            ) order by items.added_at desc, items.product_id asc
        )
    ) as cart
from carts
inner join items on carts.cart_id = items.cart_id
group by carts.customer_id, carts.cart_id, carts.updated_at
