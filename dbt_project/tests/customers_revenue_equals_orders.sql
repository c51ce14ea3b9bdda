-- Nobody's money is lost or counted twice on the way from orders to customers, currency by currency.
with

by_customer as (

    select
        pair.key as currency_code,
        sum(pair.value::numeric) as revenue
    from {{ ref('customers') }} as customers
    cross join lateral jsonb_each_text(customers.revenue_by_currency) as pair
    group by pair.key

),

by_order as (

    select
        currency_code,
        sum(revenue) as revenue
    from {{ ref('orders') }}
    where customer_id is not null
    group by currency_code

)

select
    coalesce(by_customer.currency_code, by_order.currency_code) as currency_code,
    by_customer.revenue as of_customers,
    by_order.revenue as of_orders
from by_customer
full join by_order on by_customer.currency_code = by_order.currency_code
where by_customer.revenue is distinct from by_order.revenue
