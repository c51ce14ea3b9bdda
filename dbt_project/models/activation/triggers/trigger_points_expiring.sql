-- Grain: one row a customer and day on which points run out, from points_ahead_days before it until it has come.
select
    'points_expiring'::text as trigger,
    'points_expiring:' || customer_id || ':' || expire_on as trigger_id,
    customer_id,
    (expire_on - {{ var('points_ahead_days') }})::timestamp at time zone '{{ var("shop_time_zone") }}' as occurred_at,
    expire_on::timestamp at time zone '{{ var("shop_time_zone") }}' as expires_at,
    jsonb_build_object(
        'points',
        jsonb_build_object('tier', tier, 'balance', points, 'expiring', points_expiring, 'expire_on', expire_on)
    ) as context
from {{ ref('int_customer_loyalty') }}
where
    points_expiring > 0
    and expire_on > {{ shop_day(as_of()) }}
    and expire_on - {{ var('points_ahead_days') }} <= {{ shop_day(as_of()) }}
