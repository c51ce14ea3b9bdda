-- Consent never follows a merge: a yes in the audience rests on a fact of that very address, with no later no.
with

facts as (

    select
        email,
        granted,
        occurred_at
    from {{ ref('int_consent_facts') }}
    union all
    select
        recipients.email,
        said.granted,
        said.occurred_at
    from {{ ref('stg_ops__consent_facts') }} as said
    inner join {{ ref('stg_ops__recipients') }} as recipients on said.recipient_key = recipients.recipient_key
    where said.topic = 'marketing'

),

standing as (

    select
        email,
        bool_or(granted) as has_yes,
        max(occurred_at) filter (where not granted) as last_no_at
    from facts
    group by email

)

select audience.customer_id
from {{ ref('campaign_audience') }} as audience
left join standing on audience.email = standing.email
where
    audience.email_consent
    and (
        standing.has_yes is not true
        or standing.last_no_at >= audience.email_consent_at
    )
