{{ config(materialized='incremental', pre_hook="{{ forget_changed(ref('int_order_versions')) }}") }}
-- Grain: one row an order document of every source; a credit note of a file is a document too (order_kind return).
-- Test orders are left out. profile_key is null when the source says nothing about the buyer.
with

missing as (

    select * from {{ ref('int_order_versions') }} as versions
    where {{ is_missing('versions') }}

),

shop_orders as (

    select
        orders.*,
        missing.order_version
    from {{ ref('stg_shopify__orders') }} as orders
    inner join missing on orders.order_key = missing.order_key
    where not orders.is_test

),

file_lines as (

    select
        lines.*,
        missing.order_version
    from {{ ref('stg_files__order_lines') }} as lines
    inner join missing on lines.order_key = missing.order_key

),

file_orders as (

    select
        order_key,
        order_version,
        min(profile_key) as profile_key,
        min(feed_order_id) as order_name,
        {{ canonical_email('min(email)') }} as email,
        min(phone) as phone,
        min(upper(country_code)) as country_code,
        min(channel) as channel,
        min(upper(currency_code)) as currency_code,
        min(ordered_at) as ordered_at,
        case when count(cancelled_at) = count(*) then max(cancelled_at) end as cancelled_at,
        case when bool_and(is_cancellation) then 'return' else 'sale' end as order_kind
    from file_lines
    group by order_key, order_version

),

unioned as (

    select
        order_key,
        order_version,
        'shopify' as source,
        order_name,
        'shopify:' || shop_customer_id as source_profile_key,
        email,
        phone,
        recipient_name,
        address1,
        city,
        zip,
        country_code,
        locale,
        channel,
        currency_code,
        utm_source,
        utm_campaign,
        discount_codes,
        financial_status,
        shipping_amount,
        tax_amount,
        refunded_amount,
        ordered_at,
        cancelled_at,
        'sale' as order_kind
    from shop_orders

    union all

    select
        file_orders.order_key,
        file_orders.order_version,
        'files' as source,
        file_orders.order_name,
        file_orders.profile_key as source_profile_key,
        file_orders.email,
        {{ e164_phone('file_orders.phone', 'countries.calling_code', 'countries.trunk_prefix') }} as phone,
        null as recipient_name,
        null as address1,
        null as city,
        null as zip,
        file_orders.country_code,
        null as locale,
        file_orders.channel,
        file_orders.currency_code,
        null as utm_source,
        null as utm_campaign,
        null as discount_codes,
        null as financial_status,
        null as shipping_amount,
        null as tax_amount,
        null as refunded_amount,
        file_orders.ordered_at,
        file_orders.cancelled_at,
        file_orders.order_kind
    from file_orders
    left join {{ ref('countries') }} as countries
        on coalesce(file_orders.country_code, '{{ var("default_country") }}') = countries.country_code

)

select
    unioned.*,
    coalesce(unioned.source_profile_key, 'guest:' || coalesce(unioned.email, unioned.phone)) as profile_key,
    unioned.order_kind = 'sale' and unioned.cancelled_at is null as counts_as_order
from unioned
