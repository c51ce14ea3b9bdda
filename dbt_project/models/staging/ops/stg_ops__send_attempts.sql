with

source as (

    select * from {{ source('ops', 'send_attempt') }}

),

renamed as (

    select
        send_id,
        attempt_no,
        batch_id,

        outcome,
        allowed_because,

        http_status,

        intent_at,
        finished_at

    from source

)

select * from renamed
