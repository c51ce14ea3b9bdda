-- Grain: one row a campaign, occurrence, variant and link that somebody clicked. A link stands without query, tokens
-- and whatever else could name a person; what is no web address is left out.
with

clicks as (

    select * from {{ ref('stg_ops__events') }}
    where event = 'click' and link is not null

),

messages as (

    select * from {{ ref('messages') }}

)

select
    messages.campaign_id,
    messages.occurrence_key,
    messages.variant,
    clicks.link,
    count(distinct clicks.send_id) as people_count,
    count(*) as clicks_count,
    min(clicks.occurred_at) as first_clicked_at,
    max(clicks.occurred_at) as last_clicked_at
from clicks
inner join messages on clicks.send_id = messages.send_id
group by messages.campaign_id, messages.occurrence_key, messages.variant, clicks.link
