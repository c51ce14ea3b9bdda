-- Grain: one row a month of first orders and number of months since: who of the cohort bought again, and for how much.
-- Months without a purchase are there, with zeros. Credit notes count in their own month.
with

customers as (

    select
        customer_id,
        {{ shop_month('first_order_at') }} as cohort_month
    from {{ ref('customers') }}
    where first_order_at is not null

),

orders as (

    select * from {{ ref('orders') }}

),

sizes as (

    select
        cohort_month,
        count(*) as customers_count
    from customers
    group by cohort_month

),

bought as (

    select
        customers.cohort_month,
        -- A credit note may be older than the first order it is counted with.
        greatest({{ shop_month('orders.ordered_at') }}, customers.cohort_month) as month,
        count(distinct orders.customer_id) filter (where orders.counts_as_order) as active_customers_count,
        count(*) filter (where orders.counts_as_order) as orders_count,
        sum(orders.reporting_revenue) as reporting_revenue,
        count(*) filter (where orders.exchange_rate is null) as orders_without_rate_count
    from customers
    inner join orders on customers.customer_id = orders.customer_id
    group by customers.cohort_month, month

),

months as (

    select
        sizes.cohort_month,
        sizes.customers_count,
        generate_series(
            sizes.cohort_month,
            greatest({{ shop_month(as_of()) }}, (select max(bought.month) from bought)),
            interval '1 month'
        )::date as month
    from sizes

)

select
    months.cohort_month,
    (
        12 * (extract(year from months.month) - extract(year from months.cohort_month))
        + extract(month from months.month) - extract(month from months.cohort_month)
    )::integer as months_since,
    months.month,
    months.customers_count,
    coalesce(bought.active_customers_count, 0) as active_customers_count,
    (coalesce(bought.active_customers_count, 0)::numeric / months.customers_count)::numeric(6, 4) as retention,
    coalesce(bought.orders_count, 0) as orders_count,
    '{{ var("reporting_currency") }}'::text as reporting_currency,
    coalesce(bought.reporting_revenue, 0)::numeric(18, 4) as reporting_revenue,
    coalesce(bought.orders_without_rate_count, 0) as orders_without_rate_count
from months
left join bought on months.cohort_month = bought.cohort_month and months.month = bought.month
