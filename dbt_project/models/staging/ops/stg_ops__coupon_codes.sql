with

source as (

    select * from {{ source('ops', 'coupon_code') }}

),

renamed as (

    select
        code,
        send_id,

        coupon,
        origin,

        added_at,
        bound_at,
        expires_at,
        ends_at

    from source

)

select * from renamed
