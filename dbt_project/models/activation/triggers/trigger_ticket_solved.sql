-- Grain: one row a ticket solved within trigger_days and not opened again, of a person whom the help desk's user is for
-- certain.
select
    'ticket_solved'::text as trigger,
    'ticket_solved:' || tickets.ticket_id as trigger_id,
    members.customer_id,
    tickets.solved_at as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object(
        'ticket',
        jsonb_build_object(
            'ticket_id', tickets.ticket_id,
            'subject', tickets.subject,
            'created_at', tickets.created_at,
            'solved_at', tickets.solved_at,
            'satisfaction', tickets.satisfaction_score
        )
    ) as context
from {{ ref('stg_zendesk__tickets') }} as tickets
inner join {{ source('identity', 'members') }} as members on tickets.profile_key = members.profile_key
where
    members.confidence = 'certain'
    and not tickets.is_open
    and tickets.solved_at is not null
    and {{ within('tickets.solved_at', var('trigger_days')) }}
