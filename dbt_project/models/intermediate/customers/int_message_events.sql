-- Grain: one row a send about which anything was heard. Times are the first of their kind, so events that come doubled,
-- late or out of order change nothing.
with

events as (

    select
        events.send_id,
        events.event,
        events.is_machine_open,
        coalesce(clicks.is_machine_click, false) as is_machine_click,
        events.bounce_type,
        events.occurred_at
    from {{ ref('stg_ops__events') }} as events
    left join {{ ref('stg_ops__clicks') }} as clicks on events.event_id = clicks.event_id
    where events.send_id is not null

),

-- Leaving through our own link is recorded as a suppression, not as the provider's event.
unsubscribes as (

    select
        send_id,
        case reason when 'unsubscribe' then 'unsubscribe' else 'spamreport' end as event,
        false as is_machine_open,
        false as is_machine_click,
        null as bounce_type,
        occurred_at
    from {{ ref('stg_ops__unsubscribes') }}

),

unioned as (

    select * from events
    union all
    select * from unsubscribes

)

select
    send_id,
    min(occurred_at) filter (where event = 'processed') as processed_at,
    min(occurred_at) filter (where event = 'delivered') as delivered_at,
    min(occurred_at) filter (where event = 'open' and not is_machine_open) as opened_at,
    min(occurred_at) filter (where event = 'open' and is_machine_open) as machine_opened_at,
    min(occurred_at) filter (where event = 'click' and not is_machine_click) as clicked_at,
    min(occurred_at) filter (where event = 'click' and is_machine_click) as machine_clicked_at,
    min(occurred_at) filter (where event in ('unsubscribe', 'group_unsubscribe')) as unsubscribed_at,
    min(occurred_at) filter (where event = 'spamreport') as complained_at,
    min(occurred_at) filter (where event in ('bounce', 'dropped')) as bounced_at,
    min(case when bounce_type = 'blocked' then 'soft' else 'hard' end) filter (where event in ('bounce', 'dropped'))
        as bounce_kind
from unioned
group by send_id
