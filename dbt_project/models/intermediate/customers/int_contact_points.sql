-- Grain: one row a customer, kind and value: an address, number or handle under which the person can be reached.
-- An address is verified when the help desk checked it or the person confirmed it from the mailbox. No source verifies
-- phones or handles.
with

members as (

    select * from {{ ref('int_members') }}

),

verified as (

    select profile_key from {{ ref('stg_zendesk__users') }}
    where is_verified
    union all
    select profile_key from {{ ref('stg_shopify__customers') }}
    where email_marketing_opt_in_level = 'CONFIRMED_OPT_IN'

),

known as (

    {% for kind in ['email', 'phone', 'social_handle'] -%}
        select
            customer_id,
            profile_key,
            '{{ kind }}' as kind,
            {{ kind }} as value
        from members
        where {{ kind }} is not null
        {{ "union all" if not loop.last }}
    {% endfor %}

)

select
    known.customer_id,
    known.kind,
    known.value,
    bool_or(known.kind = 'email' and verified.profile_key is not null) as is_verified
from known
left join verified on known.profile_key = verified.profile_key
group by known.customer_id, known.kind, known.value
