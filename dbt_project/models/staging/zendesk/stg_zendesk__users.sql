with

source as (

    select * from {{ source('zendesk', 'users') }}

),

countries as (

    select * from {{ ref('countries') }}

),

renamed as (

    select
        'zendesk:' || source.id as profile_key,
        source.id::bigint as support_user_id,
        nullif(regexp_replace(source.external_id, '^.*/', ''), '') as store_id,

        {{ person_name('source.name') }} as full_name,
        {{ canonical_email('source.email') }} as email,
        {{ e164_phone('source.phone', 'countries.calling_code', 'countries.trunk_prefix') }} as phone,
        lower(coalesce(source.role, 'end-user')) as role,
        {{ clean_text('source.locale') }} as locale,
        {{ clean_text('source.time_zone') }} as time_zone,

        coalesce(source.verified, false) as is_verified,

        source.created_at::timestamptz as created_at,
        source.updated_at::timestamptz as updated_at

    from source
    -- A help desk knows no country. The region of the locale (de-DE) is the best guess for a national number.
    left join countries
        on
            coalesce(upper(substring(source.locale from '[-_]([A-Za-z]{2})$')), '{{ var("default_country") }}')
            = countries.country_code

)

select * from renamed
