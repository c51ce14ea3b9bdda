-- Grain: one row a send about which anything was heard. Times are the first of their kind, so events that come doubled,
-- late or out of order change nothing.
with

events as (

    select
        send_id,
        event,
        is_machine_open,
        bounce_type,
        occurred_at
    from {{ ref('stg_ops__events') }}
    where send_id is not null

),

-- Leaving through our own link is recorded as a suppression, not as the provider's event.
unsubscribes as (

    select
        send_id,
        case reason when 'unsubscribe' then 'unsubscribe' else 'spamreport' end as event,
        false as is_machine_open,
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
    min(occurred_at) filter (where event = 'click') as clicked_at,
    min(occurred_at) filter (where event in ('unsubscribe', 'group_unsubscribe')) as unsubscribed_at,
    min(occurred_at) filter (where event = 'spamreport') as complained_at,
    min(occurred_at) filter (where event in ('bounce', 'dropped')) as bounced_at,
    min(case when bounce_type = 'blocked' then 'soft' else 'hard' end) filter (where event in ('bounce', 'dropped'))
        as bounce_kind
from unioned
group by send_id
