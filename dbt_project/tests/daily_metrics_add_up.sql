-- An independent path for each figure: orders and money from orders, mails from campaign results, tickets from the raw
-- table, new customers from customers, and who is active on the last day from their last orders.
with

days as (

    select
        sum(orders_count) as orders_count,
        sum(reporting_revenue) as reporting_revenue,
        sum(new_customers_count) as new_customers_count,
        sum(mails_sent_count) as mails_sent_count,
        sum(mails_clicked_count) as mails_clicked_count,
        sum(tickets_opened_count) as tickets_opened_count
    from {{ ref('daily_metrics') }}

),

expected as (

    select
        (select count(*) from {{ ref('orders') }} where counts_as_order) as orders_count,
        (select sum(reporting_revenue) from {{ ref('orders') }}) as reporting_revenue,
        (select count(*) from {{ ref('customers') }} where first_order_at is not null) as new_customers_count,
        (select count(accepted_at) from {{ ref('messages') }}) as mails_sent_count,
        (select sum(clicked) from {{ ref('campaign_results') }}) as mails_clicked_count,
        (
            select count(*) from {{ source('zendesk', 'tickets') }}
            where lower(status) is distinct from 'deleted'
        ) as tickets_opened_count

),

last_day as (

    select
        date,
        active_customers_count
    from {{ ref('daily_metrics') }}
    order by date desc
    limit 1

),

wrong_activity as (

    select last_day.date
    from last_day
    where last_day.active_customers_count <> (
        select count(distinct orders.customer_id)
        from {{ ref('orders') }} as orders
        where
            orders.counts_as_order
            and {{ shop_day('orders.ordered_at') }} > last_day.date - {{ var('recent_days') }}
    )

)

select 'sums' as wrong
from days
cross join expected
where
    coalesce(days.orders_count, 0) <> expected.orders_count
    or coalesce(days.reporting_revenue, 0) <> coalesce(expected.reporting_revenue, 0)
    or coalesce(days.new_customers_count, 0) <> expected.new_customers_count
    or coalesce(days.mails_sent_count, 0) <> expected.mails_sent_count
    or coalesce(days.mails_clicked_count, 0) <> coalesce(expected.mails_clicked_count, 0)
    or coalesce(days.tickets_opened_count, 0) <> expected.tickets_opened_count
union all
select 'activity' as wrong
from wrong_activity
