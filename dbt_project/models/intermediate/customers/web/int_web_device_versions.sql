-- Grain: one row a device whose events are measured, and what its raw rows are now. Devices and rows are those of
-- stg_web__events. Read before anything else of visits, as int_order_versions is of orders.
select
    coalesce(events.device_id, 'user:' || events.user_id) as device_id,
    bit_xor({{ row_version('events') }}) as device_version
from {{ source('web', 'events') }} as events
where events.has_consent and not events.is_bot and coalesce(events.device_id, events.user_id) is not null
group by coalesce(events.device_id, 'user:' || events.user_id)
