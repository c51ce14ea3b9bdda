-- An audience row prints only what certain profiles of the customer know: name and address stand in one of them, orders
-- are as many as those placed by them, and where no profile is only probable all of it is what customers says.
with

certain as (

    select * from {{ ref('int_members') }}
    where confidence = 'certain'

),

bought as (

    select
        certain.customer_id,
        count(*) as orders_count
    from certain
    inner join {{ ref('int_orders') }} as orders on certain.profile_key = orders.profile_key
    where orders.counts_as_order
    group by certain.customer_id

)

select audience.customer_id
from {{ ref('campaign_audience') }} as audience
inner join {{ ref('customers') }} as customers on audience.customer_id = customers.customer_id
left join bought on audience.customer_id = bought.customer_id
where
    audience.orders_count <> coalesce(bought.orders_count, 0)
    or not exists (
        select 1 from certain
        where certain.customer_id = audience.customer_id and certain.email = audience.email
    )
    or (
        audience.first_name is not null
        and not exists (
            select 1 from certain
            where certain.customer_id = audience.customer_id and certain.first_name = audience.first_name
        )
    )
    or (
        not customers.has_probable_profiles
        and (
            audience.orders_count, audience.orders_count_365d, audience.revenue, audience.currency_code,
            audience.first_order_at, audience.last_order_at, audience.days_since_last_order,
            audience.average_order_value, audience.open_tickets_count, audience.rfm_group,
            audience.first_order_channel
        ) is distinct from (
            customers.orders_count, customers.orders_count_365d, customers.revenue, customers.currency_code,
            customers.first_order_at, customers.last_order_at, customers.days_since_last_order,
            customers.average_order_value, customers.open_tickets_count, customers.rfm_group,
            customers.first_order_channel
        )
    )
