-- Grain: one row a customer with an order document or ticket that is theirs for certain: what mails may print of it.
-- customers counts the same over all profiles; where none is only probable, both agree.
with

orders as (

    select
        orders.customer_id,
        orders.order_id,
        orders.currency_code,
        orders.revenue,
        orders.counts_as_order,
        orders.ordered_at,
        coalesce(orders.channel_group, orders.channel) as channel
    from {{ ref('orders') }} as orders
    inner join {{ ref('int_certain_orders') }} as certain on orders.order_id = certain.order_id

),

tickets as (

    select
        members.customer_id,
        count(*) as open_tickets_count
    from {{ ref('stg_zendesk__tickets') }} as tickets
    inner join {{ source('identity', 'members') }} as members on tickets.profile_key = members.profile_key
    where members.confidence = 'certain' and tickets.is_open
    group by members.customer_id

),

by_currency as (

    select
        customer_id,
        currency_code,
        sum(revenue)::numeric(18, 4) as revenue,
        count(*) filter (where counts_as_order) as orders_count
    from orders
    group by customer_id, currency_code

),

main_currencies as (

    select distinct on (customer_id) *
    from by_currency
    order by customer_id asc, orders_count desc, revenue desc, currency_code asc

),

counted as (

    select
        customer_id,
        count(*) filter (where counts_as_order) as orders_count,
        count(*) filter (where counts_as_order and {{ within('ordered_at', 365) }}) as orders_count_365d,
        min(ordered_at) filter (where counts_as_order) as first_order_at,
        max(ordered_at) filter (where counts_as_order) as last_order_at,
        (array_agg(channel order by ordered_at, order_id) filter (where counts_as_order))[1]
            as first_order_channel
    from orders
    group by customer_id

)

select
    coalesce(counted.customer_id, tickets.customer_id) as customer_id,
    coalesce(counted.orders_count, 0) as orders_count,
    coalesce(counted.orders_count_365d, 0) as orders_count_365d,
    counted.first_order_at,
    counted.last_order_at,
    -- Whole days; an order that a source dates after the build's moment is of today.
    case
        when counted.last_order_at is not null
            then greatest(0, floor(extract(epoch from {{ as_of() }} - counted.last_order_at) / 86400))::integer
    end as days_since_last_order,
    counted.first_order_channel,
    main_currencies.currency_code,
    coalesce(main_currencies.revenue, 0)::numeric(18, 4) as revenue,
    (main_currencies.revenue / nullif(main_currencies.orders_count, 0))::numeric(18, 4) as average_order_value,
    coalesce(tickets.open_tickets_count, 0) as open_tickets_count
from counted
left join main_currencies on counted.customer_id = main_currencies.customer_id
full join tickets on counted.customer_id = tickets.customer_id
