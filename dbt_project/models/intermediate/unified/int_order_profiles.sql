-- Grain: one row a profile that only orders know: guests, and accounts that the source no longer lists.
-- What the newest order says holds; created_at is the first order.
with

orders as (

    select * from {{ ref('int_orders') }}
    where profile_key is not null

),

known as (

    select profile_key from {{ ref('stg_shopify__customers') }}
    union all
    select profile_key from {{ ref('stg_files__customers') }}

),

unknown as (

    select orders.*
    from orders
    where not exists (
        select 1 from known
        where known.profile_key = orders.profile_key
    )

),

newest as (

    select
        profile_key,
        case when starts_with(profile_key, 'guest:') then 'guest' else min(source) end as source,
        {{ newest('email') }} as email,
        {{ newest('phone') }} as phone,
        {{ newest('recipient_name') }} as full_name,
        {{ newest('country_code') }} as country_code,
        {{ newest('city') }} as city,
        {{ newest('zip') }} as zip,
        {{ newest('address1') }} as address1,
        {{ newest('locale') }} as locale,
        min(ordered_at) as created_at,
        max(ordered_at) as updated_at
    from unknown
    group by profile_key

)

select * from newest
