-- The tenth who brought most revenue in 365 days, of those who brought any. Equal sums are in or out together.
with

customers as (

    select * from {{ ref('customers') }}
    where reporting_revenue_365d > 0

),

ranked as (

    select
        customer_id,
        cume_dist() over (order by reporting_revenue_365d desc) as share_at_least_as_high
    from customers

)

select customer_id
from ranked
where share_at_least_as_high <= 0.1
