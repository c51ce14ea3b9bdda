{{ config(materialized='incremental', pre_hook="{{ forget_changed(ref('int_order_versions')) }}") }}
-- Grain: one row a line of an order, of every source.
-- net_amount is what the customer keeps and has paid for: after discounts, without cancelled and returned pieces.
-- A returned or cancelled line of a file is a line of its own with a negative quantity.
with

missing as (

    select * from {{ ref('int_order_versions') }} as versions
    where {{ is_missing('versions') }}

),

shop_lines as (

    select
        lines.*,
        missing.order_version
    from {{ ref('stg_shopify__order_lines') }} as lines
    inner join missing on lines.order_key = missing.order_key

),

shop_orders as (

    select * from {{ ref('stg_shopify__orders') }}

),

file_lines as (

    select
        lines.*,
        missing.order_version
    from {{ ref('stg_files__order_lines') }} as lines
    inner join missing on lines.order_key = missing.order_key

),

from_shop as (

    select
        coalesce('shopify:' || shop_lines.shop_line_id, shop_lines.order_key || ':' || shop_lines.line_no)
            as order_item_key,
        shop_lines.order_key,
        shop_lines.order_version,
        'shopify' as source,
        shop_lines.line_no,
        shop_lines.product_key,
        shop_lines.sku,
        shop_lines.title,
        'product' as line_kind,
        shop_lines.currency_code,
        shop_lines.quantity,
        case when shop_orders.cancelled_at is null then shop_lines.current_quantity else 0 end as net_quantity,
        shop_lines.unit_price,
        shop_lines.discount_amount
    from shop_lines
    inner join shop_orders on shop_lines.order_key = shop_orders.order_key

),

from_files as (

    select
        order_key || ':' || line_no as order_item_key,
        order_key,
        order_version,
        'files' as source,
        line_no,
        -- Postage and fees have codes too, but are no products.
        case when line_kind = 'product' then product_key end as product_key,
        sku,
        title,
        line_kind,
        upper(currency_code) as currency_code,
        quantity,
        case when cancelled_at is null then quantity else 0 end as net_quantity,
        unit_price,
        discount as discount_amount
    from file_lines

),

unioned as (

    select * from from_shop
    union all
    select * from from_files

),

priced as (

    select
        *,
        (quantity * unit_price)::numeric(18, 4) as gross_amount,
        -- The discount of a line shrinks with the pieces that stay.
        case
            when quantity = 0 then 0
            else (net_quantity * unit_price - discount_amount * net_quantity / abs(quantity))::numeric(18, 4)
        end as net_amount
    from unioned

)

select * from priced
