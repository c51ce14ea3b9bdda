-- Consent never follows a merge: a yes in the audience rests on a fact of that very address, with no later no.
select audience.customer_id
from {{ ref('campaign_audience') }} as audience
where
    audience.email_consent
    and (
        not exists (
            select 1 from {{ ref('int_consent_facts') }} as facts
            where facts.email = audience.email and facts.granted
        )
        or exists (
            select 1 from {{ ref('int_consent_facts') }} as facts
            where
                facts.email = audience.email
                and not facts.granted
                and facts.occurred_at >= audience.email_consent_at
        )
    )
