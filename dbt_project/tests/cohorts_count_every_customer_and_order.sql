-- Every customer with an order is in one cohort, and every order and amount of theirs in one of its months.
with

cohorts as (

    select
        sum(customers_count) filter (where months_since = 0) as customers_count,
        sum(orders_count) as orders_count,
        sum(reporting_revenue) as reporting_revenue
    from {{ ref('cohorts') }}

),

buyers as (

    select distinct customer_id
    from {{ ref('orders') }}
    where counts_as_order and customer_id is not null

),

orders as (

    select
        count(distinct orders.customer_id) as customers_count,
        count(*) filter (where orders.counts_as_order) as orders_count,
        sum(orders.reporting_revenue) as reporting_revenue
    from {{ ref('orders') }} as orders
    inner join buyers on orders.customer_id = buyers.customer_id

)

select
    cohorts.customers_count as in_cohorts,
    orders.customers_count as in_orders
from cohorts
cross join orders
where
    coalesce(cohorts.customers_count, 0) <> orders.customers_count
    or coalesce(cohorts.orders_count, 0) <> orders.orders_count
    or coalesce(cohorts.reporting_revenue, 0) <> coalesce(orders.reporting_revenue, 0)
