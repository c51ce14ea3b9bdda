-- Grain: one row an event of a cart. A cart is what a page calls so by its cart_id, else a device's own, up to an
-- order: what comes after one is a new cart.
with

events as (

    select
        events.*,
        sessions.customer_id,
        count(events.cart_id) over (
            partition by events.session_id order by events.occurred_at, events.event_id
        ) as named_before
    from {{ ref('int_web_events') }} as events
    inner join {{ ref('sessions') }} as sessions on events.session_id = sessions.session_id
    where events.kind in ('cart_add', 'cart_remove', 'cart_view', 'checkout', 'order')

),

-- What names no cart, as an order does, is about the one that was named last in the session.
keyed as (

    select
        *,
        coalesce(
            first_value(cart_id) over (partition by session_id, named_before order by occurred_at, event_id),
            'device:' || device_id
        ) as cart_key
    from events

),

counted as (

    select
        *,
        count(*) filter (where kind = 'order') over (
            partition by cart_key
            order by occurred_at, event_id
            rows between unbounded preceding and 1 preceding
        ) as orders_before
    from keyed

)

select
    event_id,
    cart_key || ':' || orders_before as cart_id,
    session_id,
    device_id,
    customer_id,
    product_id,
    given_order_id,
    kind,
    case when kind = 'cart_view' then coalesce(shown_url, page_url) end as cart_url,
    currency_code,
    price,
    quantity,
    occurred_at
from counted
