with

source as (

    select * from {{ source('shopify', 'products') }}

),

renamed as (

    select
        'shopify:' || id as product_key,
        id as shop_product_id,

        {{ clean_text('title') }} as title,
        handle,
        nullif(url, '')::text as url,
        nullif(image_url, '')::text as image_url,
        {{ clean_text('vendor') }} as brand,
        {{ clean_text('product_type') }} as category,
        lower(status) as status,
        upper(currency_code) as currency_code,

        total_inventory::bigint as inventory,
        price_min_amount::numeric(18, 4) as price_min,
        price_max_amount::numeric(18, 4) as price_max,

        created_at::timestamptz as created_at,
        updated_at::timestamptz as updated_at

    from source

)

select * from renamed
