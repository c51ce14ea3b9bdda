{{ config(materialized='incremental', pre_hook="{{ forget_changed(ref('int_orders')) }}") }}
-- Grain: one row a line of an order, its money told apart: ordered - cancelled - returned = net. A credit line of a
-- file (negative quantity) was not ordered and is returned. Reporting amounts are null where the day has no exchange
-- rate, the margin also where a product's cost is not known.
with

lines as (

    select * from {{ ref('int_order_lines') }} as found
    where {{ is_missing('found') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

costs as (

    select * from {{ ref('int_product_costs') }}

),

dated as (

    select
        lines.*,
        {{ shop_day('orders.ordered_at') }} as ordered_on,
        -- A file cancels line by line; the store takes pieces off, or cancels the whole order.
        orders.cancelled_at is not null
        or (lines.source = 'files' and lines.quantity <> 0 and lines.net_quantity = 0) as is_cancelled,
        case when lines.quantity > 0 then lines.gross_amount - lines.discount_amount else 0 end as ordered_amount
    from lines
    inner join orders on lines.order_key = orders.order_key

),

split as (

    select
        *,
        case when is_cancelled then ordered_amount else 0 end as cancelled_amount,
        case when is_cancelled then 0 else ordered_amount - net_amount end as returned_amount
    from dated

),

rated as (

    select
        split.*,
        {{ reporting_rate('split.currency_code') }} as exchange_rate,
        case
            when split.net_quantity = 0 then 0
            else split.net_quantity * costs.unit_cost * {{ reporting_rate('costs.currency_code', 'cost_rates') }}
        end as reporting_cost
    from split
    left join rates on split.currency_code = rates.currency_code and split.ordered_on = rates.rate_on
    left join costs
        on
            split.line_kind = 'product'
            and split.sku = costs.sku
            and split.ordered_on >= costs.valid_from
            and split.ordered_on < costs.valid_to
    left join rates as cost_rates
        on costs.currency_code = cost_rates.currency_code and split.ordered_on = cost_rates.rate_on

)

select
    order_item_key,
    order_key,
    order_version,
    line_no,
    product_key,
    sku,
    title,
    line_kind,
    currency_code,
    is_cancelled,
    quantity,
    net_quantity,
    unit_price,
    discount_amount,
    gross_amount,
    net_amount,
    ordered_amount::numeric(18, 4) as ordered_amount,
    cancelled_amount::numeric(18, 4) as cancelled_amount,
    returned_amount::numeric(18, 4) as returned_amount,
    exchange_rate,
    {% for amount in ['net', 'ordered', 'cancelled', 'returned'] -%}
        ({{ amount }}_amount * exchange_rate)::numeric(18, 4) as reporting_{{ amount }}_amount,
    {% endfor -%}
    case when line_kind = 'product' then net_amount * exchange_rate - reporting_cost end
    ::numeric(18, 4) as reporting_margin,
    ordered_on
from rated
