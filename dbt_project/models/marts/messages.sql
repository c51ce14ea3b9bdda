-- Grain: one row a planned mail, whatever became of it. customer_id is the customer as known today.
with

sends as (

    select * from {{ ref('stg_ops__sends') }}

),

events as (

    select * from {{ ref('int_message_events') }}

),

customer_ids as (

    select * from {{ source('identity', 'customer_ids') }}

),

joined as (

    select
        sends.send_id,
        sends.campaign_id,
        sends.occurrence_key,
        coalesce(customer_ids.merged_into, sends.planned_customer_id) as customer_id,
        sends.recipient_key,

        sends.variant,
        sends.topic,
        sends.state,
        sends.reason,
        sends.mailbox,
        events.bounce_kind,

        sends.attempts_count,

        sends.is_in_test,

        sends.planned_at,
        sends.due_at,
        coalesce(sends.accepted_at, case when sends.state = 'accepted' then events.processed_at end) as accepted_at,
        events.delivered_at,
        events.opened_at,
        events.machine_opened_at,
        events.clicked_at,
        events.machine_clicked_at,
        events.unsubscribed_at,
        events.complained_at,
        events.bounced_at

    from sends
    left join events on sends.send_id = events.send_id
    left join customer_ids on sends.planned_customer_id = customer_ids.customer_id

)

select * from joined
