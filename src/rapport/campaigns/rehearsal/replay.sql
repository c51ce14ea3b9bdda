-- name: judge
-- Who was in the segment at a slot, one row an address, and what stood against writing to it then. The audience is
-- joined only where the filter looks at it.
with members as (
    select distinct stay.customer_id
    from segments.customer_segments as stay
    {audience}
    where
        stay.segment = %(segment)s
        and stay.since_at <= %(slot_at)s
        and (stay.left_at is null or stay.left_at > %(slot_at)s)
        and {filter}
)

select
    members.customer_id,
    address.place,
    address.recipient_key,
    address.time_zone,
    case
        when address.recipient_key is null then 'no_address'
        when exists (
            select 1
            from segments.customer_segments as other
            where
                other.customer_id = members.customer_id
                and other.segment = any(%(exclude_segments)s::text [])
                and other.since_at <= %(slot_at)s
                and (other.left_at is null or other.left_at > %(slot_at)s)
        ) then 'excluded'
        when exists (
            select 1
            from ops.suppression_in_force(address.recipient_key, %(topic)s, %(slot_at)s) as stop
            where stop.occurred_at <= %(slot_at)s
        ) then 'suppressed'
        when consent.granted is not true then 'no_consent'
    end as outcome
from members
left join replay_address as address on members.customer_id = address.customer_id
left join lateral (
    select fact.granted
    from ops.consent_fact as fact
    where
        fact.recipient_key = address.recipient_key
        and fact.topic = %(topic)s
        and fact.occurred_at <= %(slot_at)s
    order by fact.occurred_at desc, fact.granted asc
    limit 1
) as consent on true
order by address.place, members.customer_id;

-- name: audience
-- The audience as it was at the slot, as far as that can be known. Names, language, country and zone are today's.
left join (
    select distinct on (today.customer_id)
        today.customer_id,
        today.first_name,
        today.last_name,
        today.locale,
        today.language,
        today.country_code,
        today.time_zone,
        today.time_zone_source,
        coalesce(then_in.segments, '{{}}') as segments
        {columns}
    from activation.campaign_audience as today
    left join (
        select
            stay.customer_id,
            array_agg(distinct stay.segment) as segments
        from segments.customer_segments as stay
        where stay.since_at <= %(slot_at)s and (stay.left_at is null or stay.left_at > %(slot_at)s)
        group by stay.customer_id
    ) as then_in on today.customer_id = then_in.customer_id
    {history}
    order by today.customer_id
) as audience on stay.customer_id = audience.customer_id

-- name: columns_of_orders
, history.orders_count,
        history.orders_count_365d,
        history.revenue,
        history.revenue / nullif(history.orders_in_currency, 0) as average_order_value,
        history.currency_code,
        history.first_order_channel,
        history.first_order_at,
        history.last_order_at,
        greatest(0, floor(extract(epoch from %(slot_at)s - history.last_order_at) / 86400)) as days_since_last_order

-- name: orders
-- As int_certain_history counts them, up to the slot. What was refunded later is refunded here too.
left join lateral (
    select
        coalesce(sum(sums.orders_count), 0) as orders_count,
        coalesce(sum(sums.orders_count_365d), 0) as orders_count_365d,
        min(sums.first_order_at) as first_order_at,
        max(sums.last_order_at) as last_order_at,
        (array_agg(sums.first_order_channel order by sums.first_order_at))[1] as first_order_channel,
        (array_agg(sums.currency_code order by sums.orders_count desc, sums.revenue desc, sums.currency_code))[1]
            as currency_code,
        coalesce(
            (array_agg(sums.revenue order by sums.orders_count desc, sums.revenue desc, sums.currency_code))[1], 0
        ) as revenue,
        (array_agg(sums.orders_count order by sums.orders_count desc, sums.revenue desc, sums.currency_code))[1]
            as orders_in_currency
    from (
        select
            orders.currency_code,
            sum(orders.revenue) as revenue,
            count(*) filter (where orders.counts_as_order) as orders_count,
            count(*) filter (
                where orders.counts_as_order and orders.ordered_at > %(slot_at)s - interval '365 days'
            ) as orders_count_365d,
            min(orders.ordered_at) filter (where orders.counts_as_order) as first_order_at,
            max(orders.ordered_at) filter (where orders.counts_as_order) as last_order_at,
            (
                array_agg(coalesce(orders.channel_group, orders.channel) order by orders.ordered_at, orders.order_id)
                filter (where orders.counts_as_order)
            )[1] as first_order_channel
        from marts.orders as orders
        inner join intermediate.int_certain_orders as certain on orders.order_id = certain.order_id
        where orders.customer_id = today.customer_id and orders.ordered_at <= %(slot_at)s
        group by orders.currency_code
    ) as sums
) as history on true
