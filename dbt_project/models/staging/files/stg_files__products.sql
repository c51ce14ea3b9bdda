with

source as (

    select * from {{ source('files', 'products') }}

),

renamed as (

    select
        'files:' || feed || ':' || id as product_key,
        feed,
        id as feed_product_id,

        sku,
        {{ clean_text('title') }} as title,
        {{ clean_text('category') }} as category,
        {{ clean_text('brand') }} as brand,
        upper(currency_code) as currency_code,
        lower(status) as status,

        price,
        inventory,

        updated_at

    from source

)

select * from renamed
