-- Grain: one row a customer with at least one contact point.
select
    customer_id,
    count(*) filter (where kind = 'email') as emails_count,
    count(*) filter (where is_verified) as verified_emails_count,
    count(*) filter (where kind = 'phone') as phones_count,
    count(*) filter (where kind = 'social_handle') as social_handles_count
from {{ ref('int_contact_points') }}
group by customer_id
