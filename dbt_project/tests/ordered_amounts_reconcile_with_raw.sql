-- An independent path: what was ordered, before anything was cancelled or came back, computed from the raw tables alone.
with

raw_lines as (

    select
        upper(orders.currency_code) as currency_code,
        (line ->> 'unit_price_amount')::numeric * (line ->> 'quantity')::numeric
        - coalesce(line ->> 'discount_amount', '0')::numeric as amount
    from {{ source('shopify', 'orders') }} as orders
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(orders.line_items) = 'array' then orders.line_items else '[]' end
    ) as line
    where orders.test is not true and (line ->> 'quantity')::numeric > 0
    union all
    select
        upper(currency_code) as currency_code,
        quantity * unit_price - discount as amount
    from {{ source('files', 'order_lines') }}
    where line_kind = 'product' and quantity > 0

),

expected as (

    select
        currency_code,
        sum(amount) as ordered_amount
    from raw_lines
    group by currency_code

),

actual as (

    select
        currency_code,
        sum(ordered_amount) as ordered_amount
    from {{ ref('orders') }}
    group by currency_code

)

select
    actual.currency_code,
    expected.ordered_amount as raw_ordered_amount,
    actual.ordered_amount
from actual
left join expected on actual.currency_code = expected.currency_code
-- Each of the two paths rounds a line to four places.
where abs(coalesce(expected.ordered_amount, 0) - actual.ordered_amount) > 0.01
