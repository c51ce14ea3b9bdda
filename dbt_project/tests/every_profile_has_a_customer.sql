-- Identity left nobody out, and every customer is in the mart.
select profiles.profile_key
from {{ ref('int_profiles') }} as profiles
left join {{ ref('int_members') }} as members on profiles.profile_key = members.profile_key
left join {{ ref('customers') }} as customers on members.customer_id = customers.customer_id
where customers.customer_id is null
