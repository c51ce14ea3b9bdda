-- Grain: one row a customer who has not bought for lapsed_days, reached within trigger_days; an order ends the row.
select
    'lapsed'::text as trigger,
    'lapsed:' || customer_id || ':' || {{ shop_day('last_order_at') }} as trigger_id,
    customer_id,
    last_order_at + interval '{{ var("lapsed_days") }} days' as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('last_order_at', last_order_at, 'product_title', last_product_title) as context
from {{ ref('customers') }}
where
    last_order_at + interval '{{ var("lapsed_days") }} days' <= {{ as_of() }}
    and {{ within("last_order_at", var('lapsed_days') + var('trigger_days')) }}
