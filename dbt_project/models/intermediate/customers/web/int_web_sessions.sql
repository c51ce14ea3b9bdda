{{ config(
    materialized='incremental',
    pre_hook="{{ forget_changed(ref('int_web_device_versions'), 'device_id', 'device_version') }}"
) }}
-- Grain: one row a session of a device: how it began and what was done in it. Columns of the way in are those of the
-- first event that has them.
with

events as (

    select * from {{ ref('int_web_visits') }} as found
    where {{ is_missing('found', 'device_id') }}

)

select
    session_id,
    device_id,
    device_version,
    {% for column in [
        'channel', 'device_kind', 'page_path', 'page_url', 'referrer_host', 'utm_source', 'utm_medium',
        'utm_campaign', 'utm_content', 'utm_term'
    ] -%}
        (array_agg({{ column }} order by occurred_at, event_id) filter (where {{ column }} is not null))[1]
            as {{ column }},
    {% endfor -%}
    count(*) as events_count,
    count(*) filter (where kind = 'page_view') as page_views_count,
    count(*) filter (where kind = 'product_view') as product_views_count,
    count(*) filter (where kind = 'search') as searches_count,
    count(*) filter (where kind = 'cart_add') as cart_adds_count,
    bool_or(kind in ('cart_add', 'cart_view', 'checkout', 'order')) as has_cart,
    bool_or(kind in ('checkout', 'order')) as has_checkout,
    bool_or(kind = 'order') as has_order,
    bool_or(is_logged_in) as has_login,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at
from events
group by session_id, device_id, device_version
