{{ config(materialized='incremental', pre_hook="{{ forget_changed(ref('int_orders')) }}") }}
-- Grain: one row an order document that has lines: the sums of its product lines, postage, fees and adjustments.
{% set amounts = ['net', 'ordered', 'cancelled', 'returned'] %}
with

items as (

    select * from {{ ref('int_order_item_amounts') }} as found
    where {{ is_missing('found') }}

)

select
    order_key,
    order_version,
    {% for amount in amounts -%}
        sum({{ amount }}_amount) filter (where line_kind = 'product') as {{ amount }}_amount,
        sum(reporting_{{ amount }}_amount) filter (where line_kind = 'product') as reporting_{{ amount }}_amount,
    {% endfor -%}
    {{ known_sum('reporting_margin', "line_kind = 'product'") }} as reporting_margin,
    sum(gross_amount) filter (where line_kind = 'product') as gross_amount,
    sum(discount_amount) filter (where line_kind = 'product') as discount_amount,
    sum(net_amount) filter (where line_kind = 'postage') as postage_amount,
    sum(net_amount) filter (where line_kind in ('fee', 'adjustment')) as other_amount,
    sum(net_quantity) filter (where line_kind = 'product') as items_count,
    sum(quantity - net_quantity) filter (where line_kind = 'product') as returned_items_count,
    count(*) as lines_count
from items
group by order_key, order_version
