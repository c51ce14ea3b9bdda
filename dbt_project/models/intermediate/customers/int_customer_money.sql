-- Grain: one row a customer with an order document: money in the reporting currency, by days before as_of.
-- An amount is null where one of its orders has no exchange rate, a margin also where one product's cost is not known.
{% set windows = [('', none), ('_30d', 30), ('_90d', 90), ('_365d', 365)] %}
with

orders as (

    select * from {{ ref('orders') }}
    where customer_id is not null

),

summed as (

    select
        customer_id,
        {% for suffix, days in windows -%}
            {{ known_sum('reporting_revenue', within('ordered_at', days)) }} as reporting_revenue{{ suffix }},
            {{ known_sum('reporting_margin', within('ordered_at', days)) }} as reporting_margin{{ suffix }},
        {% endfor -%}
        {{ known_sum('reporting_ordered_amount', 'true') }} as reporting_ordered_amount,
        {{ known_sum('reporting_cancelled_amount', 'true') }} as reporting_cancelled_amount,
        {{ known_sum('reporting_returned_amount', 'true') }} as reporting_returned_amount,
        avg(has_discount::integer) filter (where counts_as_order) as discounted_orders_share,
        avg(discount_amount / nullif(gross_amount, 0)) filter (where counts_as_order and has_discount)
            as average_discount_share
    from orders
    group by customer_id

)

select
    *,
    reporting_returned_amount / nullif(reporting_ordered_amount - reporting_cancelled_amount, 0) as returned_share
from summed
