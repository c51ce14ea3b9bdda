-- Grain: one row a customer who agreed to mail for the first time within trigger_days and still does.
with

agreed as (

    select
        email,
        min(occurred_at) as agreed_at
    from {{ ref('int_consent_facts') }}
    where topic = 'marketing' and granted
    group by email

)

select
    'signed_up'::text as trigger,
    'signed_up:' || customers.customer_id as trigger_id,
    customers.customer_id,
    agreed.agreed_at as occurred_at,
    null::timestamptz as expires_at,
    '{}'::jsonb as context
from {{ ref('customers') }} as customers
inner join agreed on customers.email = agreed.email
where customers.email_consent and {{ within('agreed.agreed_at', var('trigger_days')) }}
