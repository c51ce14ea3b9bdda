-- Grain: one row a ticket. customer_id is null when an agent or a deleted user asked.
with

tickets as (

    select * from {{ ref('stg_zendesk__tickets') }}

),

members as (

    select * from {{ source('identity', 'members') }}

),

joined as (

    select
        tickets.ticket_id,
        members.customer_id,

        tickets.subject,
        tickets.status,
        tickets.priority,
        tickets.ticket_type,
        tickets.channel,
        tickets.tags,
        tickets.satisfaction_score,

        tickets.is_open,
        (extract(epoch from tickets.solved_at - tickets.created_at) / 3600)::numeric(12, 2) as hours_to_solution,

        tickets.created_at,
        tickets.updated_at,
        tickets.solved_at

    from tickets
    left join members on tickets.profile_key = members.profile_key

)

select * from joined
