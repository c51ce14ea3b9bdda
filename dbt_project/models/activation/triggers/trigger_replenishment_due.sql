-- Grain: one row a customer whose own rhythm says that a product has run out, while it is available and not bought
-- again: a new purchase moves the day on and ends the row.
select
    'replenishment_due'::text as trigger,
    'replenishment_due:' || due.customer_id || ':' || due.product_id || ':' || due.due_on as trigger_id,
    due.customer_id,
    due.due_on::timestamp at time zone '{{ var("shop_time_zone") }}' as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object(
        'product', products.product, 'last_bought_on', due.last_bought_on, 'due_on', due.due_on
    ) as context
from {{ ref('int_replenishments') }} as due
inner join {{ ref('int_trigger_products') }} as products on due.product_id = products.product_id
where
    due.is_next
    and products.is_available
    and due.due_on <= {{ shop_day(as_of()) }}
    and due.due_on > {{ shop_day(as_of()) }} - {{ var('trigger_days') }}
