-- Grain: one row a customer with at least one order document, counted over all currencies.
with

orders as (

    select * from {{ ref('orders') }}
    where customer_id is not null

),

counted as (

    select
        customer_id,
        count(*) filter (where counts_as_order) as orders_count,
        {% for days in [30, 90, 365] -%}
            count(*) filter (where counts_as_order and {{ within('ordered_at', days) }}) as orders_count_{{ days }}d,
        {% endfor -%}
        count(*) filter (where order_kind = 'return' or returned_items_count > 0) as orders_with_returns_count,
        count(*) filter (where is_cancelled) as cancelled_orders_count,
        min(ordered_at) filter (where counts_as_order) as first_order_at,
        max(ordered_at) filter (where counts_as_order) as last_order_at
    from orders
    group by customer_id

)

select
    *,
    -- Whole days; an order that a source dates after the build's moment is of today.
    case
        when last_order_at is not null
            then greatest(0, floor(extract(epoch from {{ as_of() }} - last_order_at) / 86400))::integer
    end as days_since_last_order,
    (extract(epoch from last_order_at - first_order_at) / 86400 / nullif(orders_count - 1, 0))::numeric(18, 2)
        as average_days_between_orders
from counted
