-- Grain: one row an order of trigger_days that counts, was not bought at a counter and of which nothing came back. Only
-- of buyers who are the customer for certain: a mail may speak of it.
with

buyers as (

    select
        orders.order_key as order_id,
        members.customer_id
    from {{ ref('int_orders') }} as orders
    inner join {{ source('identity', 'members') }} as members on orders.profile_key = members.profile_key
    where members.confidence = 'certain'

),

-- A shop that says nothing about parcels is taken to deliver; one that does is believed.
undelivered as (

    select order_key as order_id
    from {{ ref('stg_shopify__orders') }}
    where fulfillment_status is not null and fulfillment_status <> 'fulfilled'

),

orders as (

    select * from {{ ref('orders') }}
    where
        counts_as_order
        and not has_returns
        and channel_group is distinct from 'counter'
        and {{ within('ordered_at', var('trigger_days')) }}

),

lines as (

    select
        order_id,
        (array_agg(product_id order by revenue desc, order_item_id asc) filter (where product_id is not null))[1]
            as product_id,
        jsonb_agg(
            jsonb_build_object('product_id', product_id, 'title', title, 'quantity', net_quantity)
            order by revenue desc, order_item_id asc
        ) as products
    from {{ ref('order_items') }}
    where
        line_kind = 'product'
        and net_quantity > 0
        and title is not null
        and {{ within('ordered_at', var('trigger_days')) }}
    group by order_id

)

select
    orders.order_id,
    buyers.customer_id,
    lines.product_id,
    undelivered.order_id is null as is_sent,
    jsonb_build_object(
        'order_id', orders.order_id,
        'name', orders.order_name,
        'ordered_at', orders.ordered_at,
        'currency_code', orders.currency_code,
        'revenue', orders.revenue,
        'products', lines.products
    ) as order_shown,
    orders.ordered_at,
    orders.ordered_at + interval '{{ var("delivery_days") }} days' as delivered_at
from orders
inner join buyers on orders.order_id = buyers.order_id
inner join lines on orders.order_id = lines.order_id
left join undelivered on orders.order_id = undelivered.order_id
