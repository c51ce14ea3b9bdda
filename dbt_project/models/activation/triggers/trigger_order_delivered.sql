-- Grain: one row an order that has been sent and counts as delivered: delivery_days after it was placed, since few
-- sources say when a parcel arrived. An order that was cancelled or sent back is none.
select
    'order_delivered'::text as trigger,
    'order_delivered:' || order_id as trigger_id,
    customer_id,
    delivered_at as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('order', order_shown) as context
from {{ ref('int_trigger_orders') }}
where is_sent and delivered_at <= {{ as_of() }}
