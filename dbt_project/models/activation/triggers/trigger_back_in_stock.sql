-- Grain: one row a customer and product they asked to be told about (event 'Back In Stock Requested'), once it is there
-- again. No source says since when, so it happens in the build that sees it; whoever buys it or waits in vain has none.
with

asked as (

    select
        sessions.customer_id,
        events.product_id,
        max(events.occurred_at) as asked_at
    from {{ ref('int_web_events') }} as events
    inner join {{ ref('sessions') }} as sessions on events.session_id = sessions.session_id
    where events.kind = 'stock_request' and events.product_id is not null and sessions.customer_id is not null
    group by sessions.customer_id, events.product_id

),

bought as (

    select
        customer_id,
        product_id,
        max(ordered_at) as ordered_at
    from {{ ref('order_items') }}
    where customer_id is not null and product_id is not null
    group by customer_id, product_id

)

select
    'back_in_stock'::text as trigger,
    'back_in_stock:' || asked.customer_id || ':' || asked.product_id || ':'
    || extract(epoch from asked.asked_at)::bigint as trigger_id,
    asked.customer_id,
    {{ as_of() }} as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('product', products.product, 'asked_at', asked.asked_at) as context
from asked
inner join {{ ref('int_trigger_products') }} as products on asked.product_id = products.product_id
left join bought on asked.customer_id = bought.customer_id and asked.product_id = bought.product_id
where
    products.is_available
    and (bought.ordered_at is null or bought.ordered_at < asked.asked_at)
    and {{ within('asked.asked_at', 180) }}
