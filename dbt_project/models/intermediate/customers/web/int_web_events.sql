-- Grain: one row an event of a visitor, with its session and its product. A session is what a device does without a
-- pause of more than web_session_minutes; one over midnight is one and belongs to the day on which it began.
with

events as (

    select * from {{ ref('stg_web__events') }}

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
    named.event_id,
    named.session_id,
    named.device_id,
    named.given_user_id,
    named.given_order_id,
    named.cart_id,
    products.product_id,

    named.kind,
    named.channel,
    named.device_kind,
    named.page_name,
    named.page_category,
    named.page_path,
    named.page_url,
    named.product_url as shown_url,
    named.referrer_host,
    named.utm_source,
    named.utm_medium,
    named.utm_campaign,
    named.utm_content,
    named.utm_term,
    named.search_query,
    named.currency_code,

    named.price,
    named.quantity,
    named.results_count,

    named.is_logged_in,

    named.occurred_at
from named
left join {{ ref('int_web_products') }} as products
    on regexp_replace(named.given_product_id, '^.*/', '') = products.product_number
