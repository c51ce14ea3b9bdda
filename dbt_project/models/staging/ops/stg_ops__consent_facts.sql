with

source as (

    select * from {{ source('ops', 'consent_fact') }}

),

renamed as (

    select
        recipient_key,

        topic,
        source,
        how,

        granted,

        occurred_at

    from source

)

select * from renamed
