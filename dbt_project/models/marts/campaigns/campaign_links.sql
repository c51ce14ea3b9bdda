-- Grain: one row a campaign, occurrence, variant and link that somebody, or a scanner, clicked. A link stands without
-- query, tokens and whatever else could name a person; what is no web address is left out.
with

clicks as (

    select
        events.send_id,
        events.link,
        events.occurred_at,
        told.is_machine_click
    from {{ ref('stg_ops__events') }} as events
    inner join {{ ref('stg_ops__clicks') }} as told on events.event_id = told.event_id
    where events.link is not null

),

messages as (

    select * from {{ ref('messages') }}

)

select
    messages.campaign_id,
    messages.occurrence_key,
    messages.variant,
    clicks.link,
    count(distinct clicks.send_id) filter (where not clicks.is_machine_click) as people_count,
    count(*) filter (where not clicks.is_machine_click) as clicks_count,
    count(*) filter (where clicks.is_machine_click) as machine_clicks_count,
    min(clicks.occurred_at) filter (where not clicks.is_machine_click) as first_clicked_at,
    max(clicks.occurred_at) filter (where not clicks.is_machine_click) as last_clicked_at
from clicks
inner join messages on clicks.send_id = messages.send_id
group by messages.campaign_id, messages.occurrence_key, messages.variant, clicks.link
