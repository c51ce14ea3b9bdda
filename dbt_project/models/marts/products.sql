-- Grain: one row a product: of a catalogue, or known from order lines only.
with

shop as (

    select
        product_key as product_id,
        'shopify' as source,
        null as sku,
        title,
        category,
        brand,
        status,
        currency_code,
        price_min as price,
        coalesce(price_min <> price_max, false) as has_several_prices,
        inventory,
        updated_at
    from {{ ref('stg_shopify__products') }}

),

files as (

    select
        product_key as product_id,
        'files' as source,
        sku,
        title,
        category,
        brand,
        status,
        currency_code,
        price,
        false as has_several_prices,
        inventory,
        updated_at
    from {{ ref('stg_files__products') }}

),

catalogue as (

    select * from shop
    union all
    select * from files

),

lines as (

    select
        product_key as product_id,
        count(distinct order_key) as orders_count,
        sum(net_quantity) as items_sold_count,
        min(source) as source,
        min(sku) as sku,
        mode() within group (order by title) as title
    from {{ ref('int_order_lines') }}
    where product_key is not null and line_kind = 'product'
    group by product_key

)

select
    coalesce(catalogue.product_id, lines.product_id) as product_id,
    coalesce(catalogue.source, lines.source) as source,
    coalesce(catalogue.sku, lines.sku) as sku,
    coalesce(catalogue.title, lines.title) as title,
    catalogue.category,
    catalogue.brand,
    catalogue.status,
    catalogue.currency_code,
    catalogue.price::numeric(18, 4) as price,
    coalesce(catalogue.has_several_prices, false) as has_several_prices,
    catalogue.inventory,
    catalogue.inventory > 0 as is_in_stock,
    catalogue.product_id is not null as is_in_catalogue,
    coalesce(lines.orders_count, 0) as orders_count,
    coalesce(lines.items_sold_count, 0)::numeric(18, 4) as items_sold_count,
    catalogue.updated_at
from catalogue
full join lines on catalogue.product_id = lines.product_id
