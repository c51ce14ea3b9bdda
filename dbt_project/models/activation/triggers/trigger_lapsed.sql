-- Grain: one row a customer who has not bought for lapsed_days, reached within trigger_days; an order ends the row.
-- Only where the last order is theirs for certain: a mail may speak of it.
select
    'lapsed'::text as trigger,
    'lapsed:' || customers.customer_id || ':' || {{ shop_day('customers.last_order_at') }} as trigger_id,
    customers.customer_id,
    customers.last_order_at + interval '{{ var("lapsed_days") }} days' as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object(
        'last_order_at', customers.last_order_at, 'product_title', customers.last_product_title
    ) as context
from {{ ref('customers') }} as customers
inner join {{ ref('int_certain_history') }} as history
    on customers.customer_id = history.customer_id and customers.last_order_at = history.last_order_at
where
    customers.last_order_at + interval '{{ var("lapsed_days") }} days' <= {{ as_of() }}
    and {{ within("customers.last_order_at", var('lapsed_days') + var('trigger_days')) }}
