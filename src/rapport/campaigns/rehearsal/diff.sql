-- name: stored
select
    campaign.definition,
    campaign.version,
    campaign.updated_at
from ops.campaign as campaign
where campaign.campaign_id = %(campaign_id)s;

-- name: stored_templates
-- What was planned last in each variant and language.
select distinct on (template.variant, template.language) template.*
from ops.template as template
where template.campaign_id = %(campaign_id)s
order by template.variant, template.language, template.created_at desc, template.template_version;

-- name: audiences
-- Persons of today's audience by which of the two definitions they belong to; before consent, caps and lots.
with people as (
    select
        audience.customer_id,
        bool_or(
            %(old_segment)s = any(audience.segments) and not audience.segments && %(old_excluded)s::text []
        ) as was_in,
        bool_or(
            %(new_segment)s = any(audience.segments) and not audience.segments && %(new_excluded)s::text []
        ) as is_in
    from activation.campaign_audience as audience
    group by audience.customer_id
)

select
    count(*) filter (where people.was_in and people.is_in) as stay,
    count(*) filter (where people.is_in and not people.was_in) as come,
    count(*) filter (where people.was_in and not people.is_in) as leave
from people;
