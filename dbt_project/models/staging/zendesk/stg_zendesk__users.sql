with

source as (

    select * from {{ source('zendesk', 'users') }}

),

-- A help desk knows no country; a national number is read as one of the shop's own country.
home_country as (

    select * from {{ ref('countries') }} where country_code = '{{ var("default_country") }}'

),

renamed as (

    select
        'zendesk:' || source.id as profile_key,
        source.id::bigint as support_user_id,
        nullif(regexp_replace(source.external_id, '^.*/', ''), '') as store_id,

        {{ person_name('source.name') }} as full_name,
        {{ canonical_email('source.email') }} as email,
        {{ e164_phone('source.phone', 'home_country.calling_code', 'home_country.trunk_prefix') }} as phone,
        lower(coalesce(source.role, 'end-user')) as role,
        {{ clean_text('source.locale') }} as locale,
        {{ clean_text('source.time_zone') }} as time_zone,

        coalesce(source.verified, false) as is_verified,

        source.created_at::timestamptz as created_at,
        source.updated_at::timestamptz as updated_at

    from source
    left join home_country on true

)

select * from renamed
