-- An independent path: orders and revenue computed from the raw tables alone, without staging.
with

raw_shop as (

    select
        upper(orders.currency_code) as currency_code,
        count(*) as orders_count,
        sum(kept.amount) filter (where orders.cancelled_at is null) as revenue
    from {{ source('shopify', 'orders') }} as orders
    left join lateral (
        select
            sum(
                round(
                    (line ->> 'unit_price_amount')::numeric
                    * coalesce(line ->> 'current_quantity', line ->> 'quantity')::numeric
                    - coalesce(line ->> 'discount_amount', '0')::numeric
                    * coalesce(line ->> 'current_quantity', line ->> 'quantity')::numeric
                    / nullif((line ->> 'quantity')::numeric, 0),
                    4
                )
            ) as amount
        from jsonb_array_elements(
            case when jsonb_typeof(orders.line_items) = 'array' then orders.line_items else '[]' end
        ) as line
    ) as kept on true
    where orders.test is not true
    group by upper(orders.currency_code)

),

raw_file_orders as (

    select
        upper(min(currency_code)) as currency_code,
        sum(quantity * unit_price - sign(quantity) * discount) filter (
            where line_kind = 'product' and cancelled_at is null
        ) as revenue
    from {{ source('files', 'order_lines') }}
    group by feed, order_id

),

raw_files as (

    select
        currency_code,
        count(*) as orders_count,
        sum(revenue) as revenue
    from raw_file_orders
    group by currency_code

),

expected as (

    select
        currency_code,
        sum(orders_count) as orders_count,
        coalesce(sum(revenue), 0) as revenue
    from (
        select * from raw_shop
        union all
        select * from raw_files
    ) as unioned
    group by currency_code

),

actual as (

    select
        currency_code,
        count(*) as orders_count,
        sum(revenue) as revenue
    from {{ ref('orders') }}
    group by currency_code

)

select
    expected.orders_count as raw_orders_count,
    actual.orders_count,
    expected.revenue as raw_revenue,
    actual.revenue
from expected
full join actual on expected.currency_code = actual.currency_code
where
    expected.orders_count is distinct from actual.orders_count
    -- Each of the two paths rounds a line to four places.
    or abs(expected.revenue - actual.revenue) > 0.01
    or expected.revenue is null
    or actual.revenue is null
