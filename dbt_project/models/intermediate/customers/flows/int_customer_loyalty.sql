-- Grain: one row a customer in a loyalty programme: found by the loyalty number that a certain profile of theirs
-- states, else by an address that is theirs alone. Of several members one customer is, the one that changed last.
with

members as (

    select * from {{ ref('stg_files__loyalty') }}

),

numbers as (

    select distinct
        profiles.loyalty_number,
        owners.customer_id
    from {{ ref('int_profiles') }} as profiles
    inner join {{ source('identity', 'members') }} as owners on profiles.profile_key = owners.profile_key
    where profiles.loyalty_number is not null and owners.confidence = 'certain'

),

addresses as (

    select
        email,
        min(customer_id) as customer_id
    from {{ ref('int_addresses') }}
    group by email
    having count(*) = 1 and bool_and(is_certain)

),

-- A number that two customers state is nobody's.
owned as (

    select
        loyalty_number,
        min(customer_id) as customer_id
    from numbers
    group by loyalty_number
    having count(*) = 1

)

select distinct on (coalesce(owned.customer_id, addresses.customer_id))
    coalesce(owned.customer_id, addresses.customer_id) as customer_id,
    members.tier,
    members.points,
    members.points_expiring,
    members.expire_on,
    members.tier_since
from members
left join owned on members.loyalty_number = owned.loyalty_number
left join addresses on members.email = addresses.email
where coalesce(owned.customer_id, addresses.customer_id) is not null
order by
    coalesce(owned.customer_id, addresses.customer_id) asc,
    members.updated_at desc nulls last,
    members.points desc nulls last,
    members.loyalty_number asc
