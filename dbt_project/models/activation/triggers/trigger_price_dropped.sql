-- Grain: one row a customer, product and fall of its price by price_drop_percent or more within fourteen days, where
-- the customer had looked at the product or left it in a cart before, and not bought it. A price that rises again ends
-- it.
with

wanted as (

    select
        looks.customer_id,
        looks.product_id,
        looks.viewed_at as wanted_at
    from {{ ref('product_views') }} as looks
    inner join {{ ref('int_customer_views') }} as views
        on looks.customer_id = views.customer_id and looks.product_id = views.product_id

    union all

    select
        carts.customer_id,
        items.product_id,
        items.added_at as wanted_at
    from {{ ref('int_web_cart_items') }} as items
    inner join {{ ref('carts') }} as carts on items.cart_id = carts.cart_id
    where carts.customer_id is not null and carts.status in ('open', 'abandoned')

),

interested as (

    select
        customer_id,
        product_id,
        min(wanted_at) as wanted_at
    from wanted
    group by customer_id, product_id

),

falls as (

    select distinct on (prices.product_id)
        prices.product_id,
        prices.former_price,
        prices.valid_from,
        products.product
    from {{ ref('product_prices') }} as prices
    inner join {{ ref('int_trigger_products') }} as products
        on
            prices.product_id = products.product_id
            and prices.currency_code = products.currency_code
            and prices.price = products.price
    where
        prices.valid_to is null
        and products.is_available
        and prices.price <= prices.former_price * (100 - {{ var('price_drop_percent') }}) / 100
        and prices.valid_from > {{ shop_day(as_of()) }} - 14
    order by prices.product_id asc, prices.former_price desc

)

select
    'price_dropped'::text as trigger,
    'price_dropped:' || interested.customer_id || ':' || falls.product_id || ':' || falls.valid_from as trigger_id,
    interested.customer_id,
    falls.valid_from::timestamp at time zone '{{ var("shop_time_zone") }}' as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('product', falls.product, 'former_price', falls.former_price) as context
from falls
inner join interested on falls.product_id = interested.product_id
where {{ shop_day('interested.wanted_at') }} < falls.valid_from
