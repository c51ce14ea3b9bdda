-- Grain: one row a profile, kind and value. fan_out counts the profiles that share the value.
-- is_evidence is false for what many share or nobody owns: it then joins no two profiles.
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

unioned as (

    select distinct profile_key, 'store_id' as kind, store_id as value from profiles
    union all
    select profile_key, 'loyalty_number', loyalty_number from profiles
    union all
    select profile_key, 'social_handle', social_handle from profiles
    union all
    select profile_key, 'email', email from profiles
    union all
    select profile_key, 'email_base', email_base from bases
    union all
    select profile_key, 'phone', phone from profiles
    union all
    select profile_key, 'name_and_address', match_first_name || match_last_name || '|' || match_zip || '|' || match_address
    from bases
    where length(match_first_name) > 1

),

counted as (

    select
        unioned.*,
        count(*) over (partition by kind, value) as fan_out
    from unioned
    where value is not null

)

select
    profile_key,
    kind,
    value,
    fan_out,
    fan_out <= case kind
        {%- for kind, limit in var('fan_out_limits').items() %}
        when '{{ kind }}' then {{ limit }}
        {%- endfor %}
    end
    and not (
        kind in ('email', 'email_base')
        and split_part(value, '@', 1) in (
            'info', 'office', 'sales', 'contact', 'hello', 'admin', 'support', 'service', 'shop', 'mail', 'team', 'orders',
            'accounts', 'billing', 'enquiries', 'kontakt', 'buero', 'noreply', 'no-reply', 'donotreply', 'none', 'noemail',
            'na', 'test', 'unknown', 'anonymous', 'guest'
        )
    ) as is_evidence
from counted
