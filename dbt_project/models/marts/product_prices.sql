-- Grain: one row a product, sku, currency and span of days with one price: as bought, before discounts, and as the
-- catalogue says last. Raw tables keep no former catalogue, so a change shows with the first order at the new price.
with

lines as (

    select
        product_key,
        sku,
        currency_code,
        ordered_on,
        unit_price,
        sum(quantity) as quantity
    from {{ ref('int_order_item_amounts') }}
    where line_kind = 'product' and product_key is not null and quantity > 0 and unit_price is not null
    group by product_key, sku, currency_code, ordered_on, unit_price

),

products as (

    select * from {{ ref('products') }}
    where price is not null and not has_several_prices and updated_at is not null

),

skus as (

    select distinct
        product_key,
        sku
    from lines

),

observed as (

    select
        product_key as product_id,
        sku,
        currency_code,
        ordered_on as seen_on,
        -- Of several prices in one day the one most pieces were bought at is the day's.
        unit_price as price,
        quantity as weight
    from lines

    union all

    select
        products.product_id,
        coalesce(skus.sku, products.sku) as sku,
        products.currency_code,
        {{ shop_day('products.updated_at') }} as seen_on,
        products.price,
        'infinity'::numeric as weight
    from products
    left join skus on products.product_id = skus.product_key

),

daily as (

    select distinct on (product_id, sku, currency_code, seen_on)
        product_id,
        sku,
        currency_code,
        seen_on,
        price
    from observed
    order by product_id asc, sku asc, currency_code asc, seen_on asc, weight desc, price asc

),

compared as (

    select
        *,
        lag(price) over (partition by product_id, sku, currency_code order by seen_on) as former_price
    from daily

)

select
    product_id,
    sku,
    currency_code,
    price::numeric(18, 4) as price,
    former_price::numeric(18, 4) as former_price,
    seen_on as valid_from,
    lead(seen_on) over (partition by product_id, sku, currency_code order by seen_on) as valid_to
from compared
where price is distinct from former_price
