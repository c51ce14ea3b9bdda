-- Grain: one row a profile that belongs to a customer, with everything the profile says.
select
    members.customer_id,
    profiles.*
from {{ source('identity', 'members') }} as members
inner join {{ ref('int_profiles') }} as profiles on members.profile_key = profiles.profile_key
