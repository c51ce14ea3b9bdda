{{ config(materialized='view') }}
-- Grain: one row an event of a visitor, with its session and its product as the catalogue is today.
select
    {% for column in [
        'event_id', 'session_id', 'device_id', 'device_version', 'given_user_id', 'given_order_id', 'cart_id',
        'product_number', 'kind', 'channel', 'device_kind', 'page_name', 'page_category', 'page_path', 'page_url',
        'shown_url', 'referrer_host', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_content', 'utm_term',
        'search_query', 'currency_code', 'price', 'quantity', 'results_count', 'is_logged_in', 'occurred_at'
    ] -%}
        visits.{{ column }},
    {% endfor -%}
    products.product_id
from {{ ref('int_web_visits') }} as visits
left join {{ ref('int_web_products') }} as products on visits.product_number = products.product_number
