with

source as (

    select * from {{ source('ops', 'recipient') }}

),

renamed as (

    select
        recipient_key,

        {{ canonical_email('address') }} as email,

        created_at

    from source
    where address is not null

)

select * from renamed
