with

source as (

    select * from {{ source('files', 'order_lines') }}

),

renamed as (

    select
        'files:' || feed || ':' || order_id as order_key,
        feed,
        order_id as feed_order_id,
        'files:' || feed || ':' || nullif(customer_id, '') as profile_key,
        'files:' || feed || ':' || coalesce(nullif(product_id, ''), nullif(sku, '')) as product_key,

        email,
        phone,
        sku,
        title,
        currency_code,
        country_code,
        channel,
        line_kind,

        line_no,
        quantity,
        unit_price,
        discount,

        is_cancellation,

        ordered_at,
        cancelled_at

    from source

)

select * from renamed
