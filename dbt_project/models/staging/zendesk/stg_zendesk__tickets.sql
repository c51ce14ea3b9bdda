with

source as (

    select * from {{ source('zendesk', 'tickets') }}

),

renamed as (

    select
        id::bigint as ticket_id,
        'zendesk:' || requester_id as profile_key,
        assignee_id::bigint as assignee_id,

        {{ clean_text('subject') }} as subject,
        lower(status) as status,
        lower(priority) as priority,
        ticket_type,
        channel,
        tags,
        lower(satisfaction_score) as satisfaction_score,

        lower(status) in ('new', 'open', 'pending', 'hold') as is_open,

        created_at::timestamptz as created_at,
        updated_at::timestamptz as updated_at,
        solved_at::timestamptz as solved_at

    from source
    where lower(status) is distinct from 'deleted'

)

select * from renamed
