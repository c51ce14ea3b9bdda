with

source as (

    select * from {{ source('shopify', 'orders') }}

),

-- One row a line item. An order whose items are no list has none.
lines as (

    select
        source.id as shop_order_id,
        source.currency_code as order_currency_code,
        item.line,
        item.line_no
    from source
    cross join
        lateral jsonb_array_elements(
            case when jsonb_typeof(source.line_items) = 'array' then source.line_items else '[]' end
        ) with ordinality as item (line, line_no)
    where coalesce(source.test, false) is false

),

renamed as (

    select
        'shopify:' || shop_order_id as order_key,
        line ->> 'id' as shop_line_id,
        'shopify:' || nullif(line ->> 'product_id', '') as product_key,

        line ->> 'sku' as sku,
        {{ clean_text("line ->> 'title'") }} as title,
        upper(coalesce(line ->> 'currency_code', order_currency_code)) as currency_code,

        line_no::integer as line_no,
        (line ->> 'quantity')::numeric(18, 4) as quantity,
        coalesce(line ->> 'current_quantity', line ->> 'quantity')::numeric(18, 4) as current_quantity,
        (line ->> 'unit_price_amount')::numeric(18, 4) as unit_price,
        coalesce(line ->> 'discount_amount', '0')::numeric(18, 4) as discount_amount

    from lines

)

select * from renamed
