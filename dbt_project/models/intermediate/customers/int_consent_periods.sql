-- Grain: one row a span during which an address agreed to a topic; ended_at is null while it lasts. Of a yes and a no
-- in the same moment the no holds. A stop on all topics (`*`) ends every yes, and no later one counts.
with

recipients as (

    select * from {{ ref('stg_ops__recipients') }}

),

facts as (

    select
        email,
        topic,
        granted,
        occurred_at
    from {{ ref('int_consent_facts') }}
    union all
    select
        recipients.email,
        said.topic,
        said.granted,
        said.occurred_at
    from {{ ref('stg_ops__consent_facts') }} as said
    inner join recipients on said.recipient_key = recipients.recipient_key
    union all
    select
        recipients.email,
        stops.topic,
        false as granted,
        stops.occurred_at
    from {{ ref('stg_ops__stops') }} as stops
    inner join recipients on stops.recipient_key = recipients.recipient_key

),

stopped as (

    select
        email,
        min(occurred_at) as stopped_at
    from facts
    where topic = '*' and not granted
    group by email

),

decided as (

    select
        email,
        topic,
        occurred_at,
        bool_and(granted) as granted
    from facts
    where topic <> '*'
    group by email, topic, occurred_at

),

spans as (

    select
        *,
        lead(occurred_at) over (partition by email, topic order by occurred_at) as next_at
    from decided

)

select
    spans.email,
    spans.topic,
    spans.occurred_at as granted_at,
    least(spans.next_at, stopped.stopped_at) as ended_at
from spans
left join stopped on spans.email = stopped.email
where spans.granted and (stopped.stopped_at is null or spans.occurred_at < stopped.stopped_at)
