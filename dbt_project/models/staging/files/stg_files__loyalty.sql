with

source as (

    select * from {{ source('files', 'loyalty') }}

),

renamed as (

    select
        feed,
        {{ clean_text('id') }} as loyalty_number,
        {{ canonical_email('email') }} as email,
        {{ clean_text('tier') }} as tier,

        points::integer as points,
        points_expiring::integer as points_expiring,

        expire_on,
        tier_since,
        updated_at

    from source

)

select * from renamed
