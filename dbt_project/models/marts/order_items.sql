-- Grain: one row a line of an order.
with

lines as (

    select * from {{ ref('int_order_lines') }}

),

orders as (

    select * from {{ ref('orders') }}

),

joined as (

    select
        lines.order_item_key as order_item_id,
        lines.order_key as order_id,
        orders.customer_id,
        lines.product_key as product_id,

        lines.sku,
        lines.title,
        lines.line_kind,
        lines.currency_code,

        lines.quantity,
        lines.net_quantity,
        lines.unit_price,
        lines.discount_amount,
        lines.gross_amount,
        lines.net_amount as revenue,

        orders.ordered_at

    from lines
    inner join orders on lines.order_key = orders.order_id

)

select * from joined
