{{ config(
    materialized='incremental',
    pre_hook="{{ forget_changed(ref('int_web_device_versions'), 'device_id', 'device_version') }}"
) }}
-- Grain: one row an event of a visitor, with its session. A session is what a device does without a pause of more than
-- web_session_minutes; one over midnight is one and belongs to the day on which it began.
with

missing as (

    select * from {{ ref('int_web_device_versions') }} as versions
    where {{ is_missing('versions', 'device_id') }}

),

events as (

    select
        events.*,
        missing.device_version
    from {{ ref('stg_web__events') }} as events
    inner join missing on events.device_id = missing.device_id

),

gaps as (

    select
        *,
        coalesce(
            occurred_at - lag(occurred_at) over (partition by device_id order by occurred_at, event_id)
            > interval '{{ var("web_session_minutes") }} minutes',
            true
        ) as begins_session
    from events

),

numbered as (

    select
        *,
        count(*) filter (where begins_session)
            over (partition by device_id order by occurred_at, event_id) as session_no
    from gaps

),

named as (

    select
        *,
        md5(first_value(event_id) over (partition by device_id, session_no order by occurred_at, event_id))
            as session_id
    from numbered

)

select
    event_id,
    session_id,
    device_id,
    device_version,
    given_user_id,
    given_order_id,
    cart_id,
    regexp_replace(given_product_id, '^.*/', '') as product_number,

    kind,
    channel,
    device_kind,
    page_name,
    page_category,
    page_path,
    page_url,
    product_url as shown_url,
    product_image_url as shown_image_url,
    referrer_host,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_content,
    utm_term,
    search_query,
    currency_code,

    price,
    quantity,
    results_count,

    is_logged_in,

    occurred_at
from named
