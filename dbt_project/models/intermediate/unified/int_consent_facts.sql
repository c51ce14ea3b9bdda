-- Grain: one row a fact: somebody said yes or no to marketing mail at an address.
-- Facts belong to the address, never to the merged customer. Where a source has no date for a yes, the yes is as old
-- as can be, so that importing an old export cannot undo a later no; an undated no counts from its import.
with

shop_customers as (

    select * from {{ ref('stg_shopify__customers') }}

),

file_customers as (

    select * from {{ ref('stg_files__customers') }}

),

events as (

    select * from {{ ref('stg_ops__events') }}

),

unioned as (

    select
        email,
        email_marketing_state = 'SUBSCRIBED' as granted,
        case
            when email_marketing_state = 'SUBSCRIBED'
                then coalesce(email_consent_updated_at, created_at, timestamptz '1970-01-01 00:00:00+00')
            else email_consent_updated_at
        end as occurred_at,
        'shopify' as source,
        lower(coalesce(email_marketing_opt_in_level, email_marketing_state)) as how,
        profile_key as source_record_id
    from shop_customers
    where email_marketing_state in ('SUBSCRIBED', 'UNSUBSCRIBED', 'NOT_SUBSCRIBED')

    union all

    select
        email,
        email_consent as granted,
        case
            when email_consent
                then coalesce(email_consent_at, timestamptz '1970-01-01 00:00:00+00')
            else coalesce(email_consent_at, updated_at, loaded_at)
        end as occurred_at,
        'files:' || feed as source,
        'import' as how,
        profile_key as source_record_id
    from file_customers
    where email_consent is not null

    union all

    select
        email,
        false as granted,
        occurred_at,
        provider as source,
        event as how,
        event_id as source_record_id
    from events
    where event in ('unsubscribe', 'group_unsubscribe', 'spamreport')

)

select
    email,
    'marketing' as topic,
    granted,
    occurred_at,
    source,
    how,
    source_record_id
from unioned
where email is not null and occurred_at is not null
