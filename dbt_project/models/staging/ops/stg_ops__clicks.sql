with

source as (

    select * from {{ source('ops', 'click') }}

),

renamed as (

    select
        event_id,
        send_id,

        -- Scanners follow links before the reader sees the mail; ops.clicks tells which those are.
        is_machine as is_machine_click,

        occurred_at

    from source

)

select * from renamed
