-- Grain: one row a customer: which source knew them first, and how the first order came in.
with

members as (

    select * from {{ ref('int_members') }}

),

orders as (

    select * from {{ ref('orders') }}
    where counts_as_order and customer_id is not null

),

first_profiles as (

    select distinct on (customer_id)
        customer_id,
        source as first_source
    from members
    order by customer_id asc, created_at asc nulls last, source_rank asc, profile_key asc

),

first_orders as (

    select distinct on (customer_id)
        customer_id,
        coalesce(channel_group, channel) as first_order_channel,
        utm_source as first_order_utm_source,
        utm_campaign as first_order_utm_campaign
    from orders
    order by customer_id asc, ordered_at asc, order_id asc

)

select
    first_profiles.customer_id,
    first_profiles.first_source,
    first_orders.first_order_channel,
    first_orders.first_order_utm_source,
    first_orders.first_order_utm_campaign
from first_profiles
left join first_orders on first_profiles.customer_id = first_orders.customer_id
