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

)

select audience.customer_id
from {{ ref('campaign_audience') }} as audience
where
    audience.email_consent
    and (
        not exists (
            select 1 from facts
            where facts.email = audience.email and facts.granted
        )
        or exists (
            select 1 from facts
            where
                facts.email = audience.email
                and not facts.granted
                and facts.occurred_at >= audience.email_consent_at
        )
    )
