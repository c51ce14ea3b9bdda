-- Grain: one row a day of the shop's calendar, from the first thing that happened until as_of; empty days have zeros.
-- Money is in the reporting currency and of the day of the order document: a later return lowers the day of its order,
-- a credit note its own.
{% set events = [
    ('messages', 'accepted_at', 'mails_sent_count'),
    ('messages', 'delivered_at', 'mails_delivered_count'),
    ('messages', 'opened_at', 'mails_opened_count'),
    ('messages', 'clicked_at', 'mails_clicked_count'),
    ('messages', 'unsubscribed_at', 'unsubscribes_count'),
    ('messages', 'complained_at', 'complaints_count'),
    ('support_tickets', 'created_at', 'tickets_opened_count'),
    ('support_tickets', 'solved_at', 'tickets_closed_count'),
] %}
with

orders as (

    select
        {{ shop_day('ordered_at') }} as date,
        count(*) filter (where counts_as_order) as orders_count,
        count(*) filter (where exchange_rate is null) as orders_without_rate_count,
        count(distinct customer_id) filter (where counts_as_order) as buyers_count,
        sum(reporting_revenue) as reporting_revenue,
        sum(reporting_ordered_amount) as reporting_ordered_amount,
        sum(reporting_cancelled_amount) as reporting_cancelled_amount,
        sum(reporting_returned_amount) as reporting_returned_amount,
        sum(reporting_refunded_amount) as reporting_refunded_amount
    from {{ ref('orders') }}
    group by date

),

-- One row a thing that happened to a mail or ticket.
events as (

    {% for relation, moment, count in events %}
        select
            {{ shop_day(moment) }} as date,
            '{{ count }}' as kind
        from {{ ref(relation) }}
        where {{ moment }} is not null
        {{ "union all" if not loop.last }}
    {% endfor %}

),

counted as (

    select
        {% for _, _, count in events -%}
            count(*) filter (where kind = '{{ count }}') as {{ count }},
        {% endfor -%}
        date
    from events
    group by date

),

days as (

    select
        generate_series(
            least((select min(orders.date) from orders), (select min(counted.date) from counted)),
            greatest(
                {{ shop_day(as_of()) }}, (select max(orders.date) from orders), (select max(counted.date) from counted)
            ),
            interval '1 day'
        )::date as date

),

joined as (

    select
        days.date,
        '{{ var("reporting_currency") }}'::text as reporting_currency,
        coalesce(orders.orders_count, 0) as orders_count,
        coalesce(orders.orders_without_rate_count, 0) as orders_without_rate_count,
        {% for amount in ['revenue', 'ordered_amount', 'cancelled_amount', 'returned_amount', 'refunded_amount'] -%}
            coalesce(orders.reporting_{{ amount }}, 0)::numeric(18, 4) as reporting_{{ amount }},
        {% endfor -%}
        coalesce(orders.buyers_count, 0) as buyers_count,
        coalesce(activity.new_customers_count, 0) as new_customers_count,
        (sum(coalesce(activity.became_active - activity.became_inactive, 0)) over (order by days.date))::bigint
            as active_customers_count,
        {% for _, _, count in events -%}
            coalesce(counted.{{ count }}, 0) as {{ count }},
        {% endfor -%}
        {{ as_of() }} as as_of
    from days
    left join orders on days.date = orders.date
    left join counted on days.date = counted.date
    left join {{ ref('int_daily_activity') }} as activity on days.date = activity.date

)

select * from joined
