-- Grain: one row a stock keeping unit and span of days: what one piece costs the shop.
select
    sku,
    currency_code,
    unit_cost,
    valid_from,
    coalesce(lead(valid_from) over (partition by sku order by valid_from), date '9999-12-31') as valid_to
from {{ ref('product_costs') }}
