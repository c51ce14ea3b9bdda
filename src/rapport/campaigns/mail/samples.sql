-- name: profiles
-- Drawn by the hash of the id: anybody of the segment, and the same people until the audience changes. Drawn first and
-- told afterwards: the whole of a person is read for those alone.
select
    drawn.customer_id,
    to_jsonb(drawn) - array['email', 'customer_id', 'as_of', 'email_consent', 'email_consent_at'] as fields
from (
    select audience.*
    from activation.campaign_audience as audience
    where %(segment)s::text is null or %(segment)s = any(audience.segments)
    order by md5(audience.customer_id), audience.email
    limit %(most)s
) as drawn
order by md5(drawn.customer_id), drawn.email;

-- name: profile
select to_jsonb(audience) - array['email', 'customer_id', 'as_of', 'email_consent', 'email_consent_at'] as fields
from activation.campaign_audience as audience
where customer_id = %(customer_id)s
order by email_consent desc nulls last, email_consent_at desc nulls last, email asc
limit 1;
