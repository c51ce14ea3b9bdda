with

source as (

    select * from {{ source('shopify', 'orders') }}

),

countries as (

    select * from {{ ref('countries') }}

),

renamed as (

    select
        'shopify:' || source.id as order_key,
        source.id as shop_order_id,
        source.customer_id as shop_customer_id,

        source.name as order_name,
        {{ canonical_email('source.email') }} as email,
        {{ e164_phone(
            "coalesce(source.phone, source.shipping_address ->> 'phone')",
            'countries.calling_code',
            'countries.trunk_prefix'
        ) }} as phone,
        lower(source.financial_status) as financial_status,
        lower(source.fulfillment_status) as fulfillment_status,
        upper(source.currency_code) as currency_code,
        source.source_name as channel,
        source.customer_locale as locale,
        {{ clean_text("source.shipping_address ->> 'name'") }} as recipient_name,
        {{ clean_text("source.shipping_address ->> 'address1'") }} as address1,
        {{ clean_text("source.shipping_address ->> 'city'") }} as city,
        {{ clean_text("source.shipping_address ->> 'zip'") }} as zip,
        upper({{ clean_text("source.shipping_address ->> 'countryCodeV2'") }}) as country_code,
        source.customer_journey ->> 'utm_source' as utm_source,
        source.customer_journey ->> 'utm_campaign' as utm_campaign,
        source.customer_journey ->> 'landing_page' as landing_page,
        source.discount_codes,
        source.line_items,

        source.total_amount::numeric(18, 4) as total_amount,
        source.subtotal_amount::numeric(18, 4) as subtotal_amount,
        source.discount_amount::numeric(18, 4) as discount_amount,
        source.shipping_amount::numeric(18, 4) as shipping_amount,
        source.tax_amount::numeric(18, 4) as tax_amount,
        source.refunded_amount::numeric(18, 4) as refunded_amount,

        coalesce(source.test, false) as is_test,

        coalesce(source.processed_at, source.created_at)::timestamptz as ordered_at,
        source.cancelled_at::timestamptz as cancelled_at,
        source.updated_at::timestamptz as updated_at

    from source
    left join countries
        on
            coalesce(upper(source.shipping_address ->> 'countryCodeV2'), '{{ var("default_country") }}')
            = countries.country_code

)

select * from renamed
