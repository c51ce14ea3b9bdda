with

source as (

    select * from {{ source('files', 'customers') }}

),

loads as (

    select * from {{ source('landing', 'load') }}

),

countries as (

    select * from {{ ref('countries') }}

),

renamed as (

    select
        'files:' || source.feed || ':' || source.id as profile_key,
        source.feed,
        source.id as feed_customer_id,

        {{ clean_text('source.first_name') }} as first_name,
        {{ clean_text('source.last_name') }} as last_name,
        {{ person_name('source.full_name') }} as full_name,
        {{ canonical_email('source.email') }} as email,
        {{ e164_phone('source.phone', 'countries.calling_code', 'countries.trunk_prefix') }} as phone,
        upper({{ clean_text('source.country_code') }}) as country_code,
        {{ clean_text('source.city') }} as city,
        {{ clean_text('source.zip') }} as zip,
        {{ clean_text('source.address1') }} as address1,
        {{ clean_text('source.locale') }} as locale,
        {{ clean_text('source.time_zone') }} as time_zone,
        nullif(regexp_replace(lower(source.social_handle), '^(bluesky:)?\s*@?', ''), '') as social_handle,
        {{ clean_text('source.loyalty_number') }} as loyalty_number,

        source.email_consent,

        source.birth_date,
        source.email_consent_at,
        source.created_at,
        source.updated_at,
        loads.started_at as loaded_at

    from source
    left join loads on source.load_id = loads.load_id
    left join countries
        on
            coalesce(upper({{ clean_text('source.country_code') }}), '{{ var("default_country") }}')
            = countries.country_code

)

select * from renamed
