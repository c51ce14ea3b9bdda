-- Grain: one row a cart of the shop's pages. It is ordered when its order came in the session's events, or when its
-- owner bought anything but at a counter up to seven days after its last change; abandoned when nothing changed for
-- cart_abandoned_hours and things are still in it. value counts the catalogue's present prices.
with

events as (

    select * from {{ ref('int_web_cart_events') }}

),

grouped as (

    select
        cart_id,
        (array_agg(customer_id order by occurred_at desc, event_id asc) filter (where customer_id is not null))[1]
            as customer_id,
        (array_agg(given_order_id order by occurred_at, event_id) filter (where kind = 'order'))[1] as given_order_id,
        count(distinct session_id) as sessions_count,
        min(occurred_at) as opened_at,
        max(occurred_at) filter (where kind <> 'order') as changed_at,
        min(occurred_at) filter (where kind = 'checkout') as checkout_started_at,
        min(occurred_at) filter (where kind = 'order') as completed_at
    from events
    group by cart_id

),

contents as (

    select
        cart_id,
        min(currency_code) as currency_code,
        sum(quantity) as items_count,
        count(*) as products_count,
        case when count(distinct currency_code) = 1 then sum(quantity * price) end as value
    from {{ ref('int_web_cart_items') }}
    group by cart_id

),

orders as (

    select
        order_id,
        customer_id,
        regexp_replace(order_id, '^.*[:/]', '') as order_number,
        ordered_at
    from {{ ref('orders') }}
    where counts_as_order and channel_group is distinct from 'counter'

),

named as (

    select
        order_number,
        min(order_id) as order_id,
        min(ordered_at) as ordered_at
    from orders
    group by order_number
    having count(*) = 1

),

followed as (

    select distinct on (grouped.cart_id)
        grouped.cart_id,
        orders.order_id,
        orders.ordered_at
    from grouped
    inner join orders on grouped.customer_id = orders.customer_id
    where
        grouped.completed_at is null
        and orders.ordered_at >= grouped.opened_at
        and orders.ordered_at <= coalesce(grouped.changed_at, grouped.opened_at) + interval '7 days'
    order by grouped.cart_id asc, orders.ordered_at asc, orders.order_id asc

),

joined as (

    select
        grouped.*,
        coalesce(grouped.changed_at, grouped.opened_at) as updated_at,
        contents.currency_code,
        contents.value,
        coalesce(contents.items_count, 0) as items_count,
        coalesce(contents.products_count, 0) as products_count,
        coalesce(named.order_id, followed.order_id) as order_id,
        coalesce(grouped.completed_at, followed.ordered_at) as ordered_at,
        case
            when grouped.completed_at is not null then 'event'
            when followed.order_id is not null then 'customer'
        end as ordered_by
    from grouped
    left join contents on grouped.cart_id = contents.cart_id
    left join named on regexp_replace(grouped.given_order_id, '^.*/', '') = named.order_number
    left join followed on grouped.cart_id = followed.cart_id

)

select
    cart_id,
    customer_id,
    order_id,

    case
        when ordered_by is not null then 'ordered'
        when items_count = 0 then 'empty'
        when updated_at > {{ as_of() }} - interval '{{ var("cart_abandoned_hours") }} hours' then 'open'
        else 'abandoned'
    end as status,
    ordered_by,
    currency_code,

    value::numeric(18, 4) as value,
    items_count::numeric(18, 4) as items_count,
    products_count,
    sessions_count,

    checkout_started_at is not null as has_checkout,

    opened_at,
    updated_at,
    checkout_started_at,
    ordered_at
from joined
