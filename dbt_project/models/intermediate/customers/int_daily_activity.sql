-- Grain: one row a day on which a customer bought for the first time, became active or ceased to be. A customer is
-- active for var recent_days days from each order on; became_active - became_inactive, summed up to a day, are active.
with

bought as (

    select distinct
        customer_id,
        {{ shop_day('ordered_at') }} as bought_on
    from {{ ref('orders') }}
    where counts_as_order and customer_id is not null

),

spaced as (

    select
        bought_on,
        bought_on + {{ var('recent_days') }} as quiet_on,
        lag(bought_on) over (partition by customer_id order by bought_on) as former_on,
        lead(bought_on) over (partition by customer_id order by bought_on) as next_on
    from bought

),

moves as (

    select
        bought_on as date,
        (former_on is null)::integer as is_new,
        (former_on is null or former_on + {{ var('recent_days') }} < bought_on)::integer as became_active,
        0 as became_inactive
    from spaced
    union all
    select
        quiet_on as date,
        0 as is_new,
        0 as became_active,
        1 as became_inactive
    from spaced
    where next_on is null or next_on > quiet_on

)

select
    date,
    sum(is_new) as new_customers_count,
    sum(became_active) as became_active,
    sum(became_inactive) as became_inactive
from moves
group by date
having sum(is_new + became_active + became_inactive) > 0
