-- Grain: one row an order that follows a mail: the one mail it is credited to, and why.
select
    order_id,
    send_id,
    campaign_id,
    occurrence_key,
    currency_code,
    revenue,
    rule
from {{ ref('int_order_touches') }}
where last_touch_share = 1
