-- Grain: one row an order document of any source. revenue is the net amount of its product lines.
with

orders as (

    select * from {{ ref('int_orders') }}

),

lines as (

    select
        order_key,
        sum(net_amount) filter (where line_kind = 'product') as revenue,
        sum(gross_amount) filter (where line_kind = 'product') as gross_amount,
        sum(discount_amount) filter (where line_kind = 'product') as discount_amount,
        sum(net_amount) filter (where line_kind = 'postage') as postage_amount,
        sum(net_amount) filter (where line_kind in ('fee', 'adjustment')) as other_amount,
        sum(net_quantity) filter (where line_kind = 'product') as items_count,
        sum(quantity - net_quantity) filter (where line_kind = 'product') as returned_items_count,
        count(*) as lines_count
    from {{ ref('int_order_lines') }}
    group by order_key

),

members as (

    select * from {{ source('identity', 'members') }}

),

joined as (

    select
        orders.order_key as order_id,
        members.customer_id,

        orders.source,
        orders.order_name,
        orders.order_kind,
        orders.channel,
        orders.country_code,
        orders.currency_code,
        orders.financial_status,
        orders.utm_source,
        orders.utm_campaign,

        coalesce(lines.revenue, 0)::numeric(18, 4) as revenue,
        coalesce(lines.gross_amount, 0)::numeric(18, 4) as gross_amount,
        coalesce(lines.discount_amount, 0)::numeric(18, 4) as discount_amount,
        coalesce(orders.shipping_amount, lines.postage_amount, 0)::numeric(18, 4) as shipping_amount,
        orders.tax_amount,
        coalesce(lines.other_amount, 0)::numeric(18, 4) as other_amount,
        coalesce(lines.items_count, 0)::numeric(18, 4) as items_count,
        coalesce(lines.returned_items_count, 0)::numeric(18, 4) as returned_items_count,
        coalesce(lines.lines_count, 0) as lines_count,

        orders.counts_as_order,
        orders.cancelled_at is not null as is_cancelled,

        orders.ordered_at,
        orders.cancelled_at

    from orders
    left join lines on orders.order_key = lines.order_key
    left join members on orders.profile_key = members.profile_key

)

select * from joined
