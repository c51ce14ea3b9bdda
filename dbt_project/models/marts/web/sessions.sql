-- Grain: one row a session of a device. customer_id is the one person who logged in during it, else the one the device
-- belongs to (rule device_logged_in); null where nobody did or more than one.
{% set search_engines = 'google|bing|duckduckgo|yahoo|ecosia|yandex|baidu|startpage|qwant' %}
{% set networks = 'facebook|instagram|bluesky|bsky|tiktok|pinterest|youtube|twitter|reddit|linkedin|threads|t[.]co' %}
with

events as (

    select * from {{ ref('int_web_visits') }}

),

logged_in as (

    select
        events.session_id,
        count(distinct accounts.customer_id) as people_count,
        min(accounts.customer_id) as customer_id
    from events
    inner join {{ ref('int_web_accounts') }} as accounts
        on regexp_replace(events.given_user_id, '^.*/', '') = accounts.account_number
    group by events.session_id

),

grouped as (

    select * from {{ ref('int_web_sessions') }}

),

told as (

    select
        grouped.*,
        -- A page of the shop itself is no way in.
        nullif(grouped.referrer_host, substring(grouped.page_url from '^https?://([^/:]+)')) as outer_host
    from grouped

)

select
    told.session_id,
    told.device_id,
    case
        when logged_in.people_count = 1 then logged_in.customer_id
        when coalesce(logged_in.people_count, 0) = 0 and not told.has_login then devices.customer_id
    end as customer_id,

    told.channel,
    told.device_kind,
    told.page_path as landing_path,
    told.outer_host as referrer_host,
    told.utm_source,
    told.utm_medium,
    told.utm_campaign,
    told.utm_content,
    told.utm_term,
    case
        when told.utm_medium = 'email' or told.utm_source = 'newsletter' then 'email'
        when told.utm_medium ~ '^(cpc|ppc|cpm|paid.*|display|banner)$' then 'paid'
        when told.utm_medium ~ 'social' or told.utm_source ~ '^({{ networks }})' then 'social'
        when told.utm_medium = 'organic' then 'search'
        when coalesce(told.utm_source, told.utm_medium, told.utm_campaign) is not null then 'other_campaign'
        when told.outer_host ~ '(^|[.])({{ search_engines }})[.]' then 'search'
        when told.outer_host ~ '(^|[.])({{ networks }})([.]|$)' then 'social'
        when told.outer_host is not null then 'referral'
        else 'direct'
    end as source_group,

    extract(epoch from told.ended_at - told.started_at)::integer as duration_seconds,
    told.events_count,
    told.page_views_count,
    told.product_views_count,
    told.searches_count,
    told.cart_adds_count,

    told.has_login,
    told.has_cart,
    told.has_checkout,
    told.has_order,
    told.page_views_count <= 1 and told.product_views_count <= 1 and not told.has_cart and told.searches_count = 0
        as is_bounce,

    {{ shop_day('told.started_at') }} as started_on,
    told.started_at,
    told.ended_at
from told
left join logged_in on told.session_id = logged_in.session_id
left join {{ ref('int_web_devices') }} as devices on told.device_id = devices.device_id
