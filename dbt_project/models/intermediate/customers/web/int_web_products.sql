-- Grain: one row a product of the catalogue that pages have shown. Addresses are those most devices were shown, so that
-- one forged event changes none.
with

numbered as (

    select
        product_id,
        regexp_replace(product_id, '^.*[:/]', '') as product_number,
        count(*) over (partition by regexp_replace(product_id, '^.*[:/]', '')) as products_count
    from {{ ref('products') }}

),

-- What pages say of a product is the same again and again: the devices of each saying are told apart first.
by_device as (

    select distinct
        product_number,
        shown_url,
        shown_image_url,
        device_id
    from {{ ref('int_web_visits') }}
    where product_number is not null

),

shown as (

    select
        product_number,
        shown_url as product_url,
        shown_image_url as product_image_url,
        count(*) as devices_count
    from by_device
    group by product_number, shown_url, shown_image_url

)

select
    numbered.product_id,
    numbered.product_number,
    (
        array_agg(shown.product_url order by shown.devices_count desc, shown.product_url asc)
        filter (where shown.product_url is not null)
    )[1] as url,
    (
        array_agg(shown.product_image_url order by shown.devices_count desc, shown.product_image_url asc)
        filter (where shown.product_image_url is not null)
    )[1] as image_url
from numbered
inner join shown on numbered.product_number = shown.product_number
-- A number that two products have is no product's.
where numbered.products_count = 1
group by numbered.product_id, numbered.product_number
