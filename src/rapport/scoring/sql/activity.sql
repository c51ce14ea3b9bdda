-- name: events
-- Openings by mail proxies are not in opened_at. A prompt reaction, within three hours of arrival, speaks of the hour
-- we chose as much as of the reader's, so it is a kind of its own that counts for less.
copy (
    with people as (
        select
            customers.customer_id,
            coalesce(zones.name, %(time_zone)s) as time_zone
        from marts.customers
        left join pg_timezone_names as zones on customers.time_zone = zones.name
    ),

    reactions as (
        select
            people.customer_id,
            people.time_zone,
            case when reaction.at < arrival.at + interval '3 hours' then 'prompt' else reaction.kind end as kind,
            reaction.at
        from marts.messages
        inner join people on messages.customer_id = people.customer_id
        cross join lateral (values (coalesce(messages.delivered_at, messages.accepted_at))) as arrival (at)
        cross join lateral (
            values ('open', messages.opened_at), ('click', messages.clicked_at)
        ) as reaction (kind, at)
    ),

    happened as (
        select * from reactions
        union all
        select
            people.customer_id,
            people.time_zone,
            'order' as kind,
            orders.ordered_at as at
        from marts.orders
        inner join people on orders.customer_id = people.customer_id
        where orders.counts_as_order and orders.channel is distinct from 'pos'
    )

    select
        customer_id,
        extract(hour from at at time zone time_zone)::int as hour,
        kind,
        extract(epoch from at)::bigint as at
    from happened
    where at < %(as_of)s and at >= %(as_of)s::timestamptz - interval '365 days'
) to stdout (format csv, header)

-- name: sales
-- Whole days only, in the currency of most orders of the last year.
copy (
    with main as (
        select mode() within group (order by currency_code) as currency_code
        from marts.orders
        where counts_as_order and ordered_at < %(as_of)s and ordered_at >= %(as_of)s::timestamptz - interval '365 days'
    )

    select
        (orders.ordered_at at time zone %(time_zone)s)::date as day,
        products.category,
        orders.currency_code,
        sum(order_items.revenue) as revenue
    from marts.order_items
    inner join marts.orders on order_items.order_id = orders.order_id
    inner join main on orders.currency_code = main.currency_code
    left join marts.products on order_items.product_id = products.product_id
    where
        orders.counts_as_order
        and order_items.line_kind = 'product'
        and orders.ordered_at < date_trunc('day', %(as_of)s::timestamptz, %(time_zone)s)
    group by 1, 2, 3
) to stdout (format csv, header)
