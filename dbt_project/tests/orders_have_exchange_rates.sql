{{ config(severity='warn') }}
-- Warns: orders of these currencies and months have no rate in seed exchange_rates, so their reporting amounts are null.
select
    currency_code,
    {{ shop_month('ordered_at') }} as month,
    count(*) as orders_count
from {{ ref('orders') }}
where exchange_rate is null
group by currency_code, month
