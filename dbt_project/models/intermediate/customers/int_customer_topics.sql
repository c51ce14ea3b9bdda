-- Grain: one row a customer whose preferred address agrees to at least one topic.
with

addresses as (

    select * from {{ ref('int_addresses') }}
    where is_preferred

),

periods as (

    select * from {{ ref('int_consent_periods') }}
    where ended_at is null

)

select
    addresses.customer_id,
    array_agg(periods.topic order by periods.topic) as consented_topics
from addresses
inner join periods on addresses.email = periods.email
group by addresses.customer_id
