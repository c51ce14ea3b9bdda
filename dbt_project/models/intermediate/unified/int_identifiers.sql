-- Grain: one row a profile, kind and value. fan_out counts the profiles that share the value.
-- is_evidence is false for what so many share that no pairs are made of it; how few it takes for a rule to hold, and
-- which addresses nobody owns alone, says src/rapport/identity/rules.yml.
{% set pair_limit = 20 %}
{% set kinds = ['store_id', 'loyalty_number', 'social_handle', 'email', 'email_base', 'phone', 'name_and_address'] %}
with

profiles as (

    select * from {{ ref('int_profiles') }}

),

-- A plus-tag is the owner's own, so the address without it leads to the same person.
bases as (

    select
        profile_key,
        regexp_replace(email, '\+[^@]*@', '@') as email_base,
        {{ match_text('zip') }} as match_zip,
        {{ match_text('address1') }} as match_address,
        match_first_name,
        match_last_name
    from profiles

),

named as (

    select
        profile_key,
        match_first_name || match_last_name || '|' || match_zip || '|' || match_address as name_and_address
    from bases
    where length(match_first_name) > 1

),

unioned as (

    {% for kind in kinds %}
        select
            profile_key,
            '{{ kind }}' as kind,
            {{ kind }} as value
        from {{ 'bases' if kind == 'email_base' else 'named' if kind == 'name_and_address' else 'profiles' }}
        {{ "union all" if not loop.last }}
    {% endfor %}

),

counted as (

    select
        unioned.*,
        count(*) over (partition by unioned.kind, unioned.value) as fan_out
    from unioned
    where unioned.value is not null

)

select
    profile_key,
    kind,
    value,
    fan_out,
    fan_out <= {{ pair_limit }} as is_evidence
from counted
