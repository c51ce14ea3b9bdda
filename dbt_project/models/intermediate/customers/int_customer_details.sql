-- Grain: one row a customer. Of each fact the most trusted source that knows it, then the newest; only of profiles that
-- are the customer's for certain, since mails print it. Counts are of all profiles.
with

members as (

    select * from {{ ref('int_members') }}

),

countries as (

    select * from {{ ref('countries') }}

),

regions as (

    select * from {{ ref('region_time_zones') }}

),

known_zones as (

    select name from pg_timezone_names

),

best as (

    select
        customer_id,
        {{ best('first_name') }} as first_name,
        {{ best('last_name') }} as last_name,
        {{ best('full_name') }} as full_name,
        {{ best('phone') }} as phone,
        {{ best('country_code') }} as country_code,
        {{ best("country_code || '-' || region_code") }} as region,
        {{ best('city') }} as city,
        {{ best('zip') }} as zip,
        {{ best('locale') }} as locale,
        (
            array_agg(source order by source_rank asc, updated_at desc nulls last, profile_key asc)
            filter (where locale is not null and confidence = 'certain')
        )[1] as locale_source,
        {{ best('time_zone') }} as given_time_zone,
        {{ best('birth_date') }} as birth_date,
        {{ best('social_handle') }} as social_handle,
        {{ best('loyalty_number') }} as loyalty_number,
        count(*) as profiles_count,
        bool_or(confidence = 'probable') as has_probable_profiles,
        array_agg(distinct source) as sources,
        min(created_at) as first_seen_at
    from members
    group by customer_id

),

placed as (

    select
        best.customer_id,
        best.first_name,
        best.last_name,
        best.full_name,
        best.phone,
        best.country_code,
        best.city,
        best.zip,
        replace(best.locale, '_', '-') as locale,
        best.locale_source,
        coalesce(lower(substring(best.locale from '^[A-Za-z]{2,3}')), countries.language) as language,
        best.birth_date,
        best.social_handle,
        best.loyalty_number,
        best.profiles_count,
        best.has_probable_profiles,
        best.sources,
        best.first_seen_at,
        coalesce(known_zones.name, regions.time_zone, countries.time_zone, '{{ var("shop_time_zone") }}') as time_zone,
        case
            when known_zones.name is not null then 'profile'
            when regions.time_zone is not null then 'address'
            when countries.time_zone is not null then 'country'
            else 'shop'
        end as time_zone_source
    from best
    left join known_zones on best.given_time_zone = known_zones.name
    left join regions on best.region = regions.country_code || '-' || regions.region_code
    left join countries on best.country_code = countries.country_code

),

local as (

    select
        *,
        ({{ as_of() }} at time zone time_zone)::date as today
    from placed

)

select
    *,
    case
        when {{ birthday('birth_date', 'today') }} >= today then {{ birthday('birth_date', 'today') }} - today
        else {{ birthday('birth_date', 'today', years=1) }} - today
    end as days_until_birthday
from local
