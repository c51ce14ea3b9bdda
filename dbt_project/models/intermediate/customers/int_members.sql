-- Grain: one row a profile that belongs to a customer, with what the profile says of the person.
select
    members.customer_id,
    members.profile_key,
    members.confidence,
    profiles.source,
    profiles.source_rank,
    profiles.first_name,
    profiles.last_name,
    profiles.full_name,
    profiles.email,
    profiles.phone,
    profiles.country_code,
    profiles.region_code,
    profiles.city,
    profiles.zip,
    profiles.locale,
    profiles.time_zone,
    profiles.birth_date,
    profiles.social_handle,
    profiles.loyalty_number,
    profiles.created_at,
    profiles.updated_at
from {{ source('identity', 'members') }} as members
inner join {{ ref('int_profiles') }} as profiles on members.profile_key = profiles.profile_key
