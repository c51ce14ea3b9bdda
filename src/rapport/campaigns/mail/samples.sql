-- name: profiles
-- Drawn by the hash of the id: anybody of the segment, and the same people until the audience changes.
select
    customer_id,
    to_jsonb(audience) - array['email', 'customer_id', 'as_of', 'email_consent', 'email_consent_at'] as fields
from activation.campaign_audience as audience
where %(segment)s::text is null or %(segment)s = any(segments)
order by md5(customer_id), email
limit %(most)s;

-- name: profile
select to_jsonb(audience) - array['email', 'customer_id', 'as_of', 'email_consent', 'email_consent_at'] as fields
from activation.campaign_audience as audience
where customer_id = %(customer_id)s
order by email_consent desc nulls last, email_consent_at desc nulls last, email asc
limit 1;
