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
        url,
        image_url,
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
        null::text as url,
        null::text as image_url,
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

-- Orders spell a product in a few ways again and again: each spelling is counted before the products are.
spellings as (

    select
        product_key as product_id,
        source,
        sku,
        title,
        count(*) as lines_count,
        sum(net_quantity) as items_sold_count
    from {{ ref('int_order_lines') }}
    where product_key is not null and line_kind = 'product'
    group by product_key, source, sku, title

),

orders as (

    select
        product_id,
        count(*) as orders_count
    from (
        select distinct
            product_key as product_id,
            order_key
        from {{ ref('int_order_lines') }}
        where product_key is not null and line_kind = 'product'
    ) as bought
    group by product_id

),

titles as (

    select
        product_id,
        (array_agg(title order by lines_count desc, title asc))[1] as title
    from (
        select
            product_id,
            title,
            sum(lines_count) as lines_count
        from spellings
        where title is not null
        group by product_id, title
    ) as counted
    group by product_id

),

lines as (

    select
        spellings.product_id,
        min(orders.orders_count) as orders_count,
        sum(spellings.items_sold_count) as items_sold_count,
        min(spellings.source) as source,
        min(spellings.sku) as sku,
        min(titles.title) as title
    from spellings
    inner join orders on spellings.product_id = orders.product_id
    left join titles on spellings.product_id = titles.product_id
    group by spellings.product_id

)

select
    coalesce(catalogue.product_id, lines.product_id) as product_id,
    coalesce(catalogue.source, lines.source) as source,
    coalesce(catalogue.sku, lines.sku) as sku,
    coalesce(catalogue.title, lines.title) as title,
    catalogue.category,
    catalogue.brand,
    catalogue.url,
    catalogue.image_url,
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
