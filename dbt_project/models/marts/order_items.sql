-- Grain: one row a line of an order. revenue is ordered_amount - cancelled_amount - returned_amount.
with

items as (

    select * from {{ ref('int_order_item_amounts') }}

),

orders as (

    select * from {{ ref('orders') }}

),

products as (

    select * from {{ ref('products') }}

),

joined as (

    select
        items.order_item_key as order_item_id,
        items.order_key as order_id,
        orders.customer_id,
        items.product_key as product_id,

        items.sku,
        items.title,
        products.category,
        products.brand,
        items.line_kind,
        orders.channel_group,
        items.currency_code,

        items.quantity,
        items.net_quantity::numeric(18, 4) as net_quantity,
        items.unit_price,
        items.discount_amount,
        items.gross_amount,
        items.net_amount::numeric(18, 4) as revenue,
        items.ordered_amount,
        items.cancelled_amount,
        items.returned_amount,

        orders.reporting_currency,
        items.exchange_rate,
        items.reporting_net_amount as reporting_revenue,
        items.reporting_ordered_amount,
        items.reporting_cancelled_amount,
        items.reporting_returned_amount,
        items.reporting_margin::numeric(18, 4) as reporting_margin,

        items.is_cancelled,
        items.returned_amount <> 0 as has_returns,

        orders.ordered_at

    from items
    inner join orders on items.order_key = orders.order_id
    left join products on items.product_key = products.product_id

)

select * from joined
