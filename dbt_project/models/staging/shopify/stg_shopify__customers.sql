with

source as (

    select * from {{ source('shopify', 'customers') }}

),

countries as (

    select * from {{ ref('countries') }}

),

renamed as (

    select
        'shopify:' || source.id as profile_key,
        source.id as shop_customer_id,
        regexp_replace(source.id, '^.*/', '') as store_id,

        {{ clean_text('source.first_name') }} as first_name,
        {{ clean_text('source.last_name') }} as last_name,
        {{ canonical_email('source.email') }} as email,
        {{ e164_phone('source.phone', 'countries.calling_code', 'countries.trunk_prefix') }} as phone,
        upper({{ clean_text('source.country_code') }}) as country_code,
        upper({{ clean_text('source.province_code') }}) as region_code,
        {{ clean_text('source.city') }} as city,
        {{ clean_text('source.zip') }} as zip,
        {{ clean_text('source.address1') }} as address1,
        {{ clean_text('source.locale') }} as locale,
        lower(substring(source.note from '(?i)bluesky:\s*@?([a-z0-9][a-z0-9.-]+[a-z0-9])')) as social_handle,
        (
            select min(substring(tag from '(?i)^loyalty:\s*([[:alnum:]-]+)$'))
            from jsonb_array_elements_text(
                case when jsonb_typeof(source.tags) = 'array' then source.tags else '[]' end
            ) as tag
        ) as loyalty_number,
        upper(source.email_marketing_state) as email_marketing_state,
        source.email_marketing_opt_in_level,

        source.email_consent_updated_at::timestamptz as email_consent_updated_at,
        source.created_at::timestamptz as created_at,
        source.updated_at::timestamptz as updated_at

    from source
    left join countries
        on
            coalesce(upper({{ clean_text('source.country_code') }}), '{{ var("default_country") }}')
            = countries.country_code

)

select * from renamed
