-- Only events of people who agreed to be measured; machines are left out here and nowhere else.
-- What was sent from a server without a device is told by the customer's id instead.
with

source as (

    select * from {{ source('web', 'events') }}
    where has_consent and not is_bot and coalesce(device_id, user_id) is not null

),

renamed as (

    select
        message_id as event_id,
        coalesce(device_id, 'user:' || user_id) as device_id,
        user_id as given_user_id,
        properties ->> 'product_id' as given_product_id,
        properties ->> 'order_id' as given_order_id,
        properties ->> 'cart_id' as cart_id,

        case
            when type in ('page', 'screen') then 'page_view'
            when type <> 'track' then type
            when name = 'Product Viewed' then 'product_view'
            when name = 'Products Searched' then 'search'
            when name = 'Product Added' then 'cart_add'
            when name = 'Product Removed' then 'cart_remove'
            when name = 'Cart Viewed' then 'cart_view'
            when name = 'Checkout Started' then 'checkout'
            when name = 'Order Completed' then 'order'
            when name = 'Back In Stock Requested' then 'stock_request'
            else 'other'
        end as kind,
        name as given_name,
        channel,
        device_kind,
        {{ clean_text("page ->> 'name'") }} as page_name,
        {{ clean_text("page ->> 'category'") }} as page_category,
        page ->> 'path' as page_path,
        page ->> 'url' as page_url,
        page ->> 'referrer_host' as referrer_host,
        lower(campaign ->> 'source') as utm_source,
        lower(campaign ->> 'medium') as utm_medium,
        campaign ->> 'name' as utm_campaign,
        campaign ->> 'content' as utm_content,
        campaign ->> 'term' as utm_term,
        {{ clean_text("properties ->> 'sku'") }} as sku,
        -- People type addresses and numbers into search fields; these are nobody's business.
        case
            when properties ->> 'query' !~ '@|[0-9][0-9 -]{5,}'
                then {{ clean_text("lower(properties ->> 'query')") }}
        end as search_query,
        properties ->> 'url' as product_url,
        properties ->> 'image_url' as product_image_url,
        substring(upper(properties ->> 'currency') from '^[A-Z]{3}$') as currency_code,

        (properties ->> 'price')::numeric(18, 4) as price,
        -- A page that counts wrongly must not fill a cart with millions.
        case
            when properties ->> 'quantity' is not null
                then least(greatest((properties ->> 'quantity')::numeric, 0), 1000)
        end::numeric(18, 4) as quantity,
        (properties ->> 'results_count')::numeric::bigint as results_count,

        user_id is not null as is_logged_in,

        occurred_at,
        received_at

    from source

)

select * from renamed
