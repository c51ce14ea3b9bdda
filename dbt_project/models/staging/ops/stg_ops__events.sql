with

source as (

    select * from {{ source('ops', 'webhook_inbox') }}

),

renamed as (

    select
        event_id,
        send_id,

        provider,
        event,
        raw ->> 'type' as bounce_type,
        {{ public_link("raw ->> 'url'") }} as link,
        {{ canonical_email("raw ->> 'email'") }} as email,

        -- Apple's proxy opens every mail; SendGrid marks such an open.
        coalesce(lower(raw ->> 'sg_machine_open') = 'true', false) as is_machine_open,

        occurred_at,
        received_at

    from source

)

select * from renamed
