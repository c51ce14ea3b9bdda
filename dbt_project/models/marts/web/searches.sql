-- Grain: one row a search on the shop's pages. It led to a product when one was looked at within ten minutes and before
-- the next search of the session.
{% set what_follows %}
    over (
        partition by session_id order by occurred_at, event_id rows between 1 following and unbounded following
    )
{% endset %}
with

events as (

    select
        *,
        min(occurred_at) filter (where kind = 'search') {{ what_follows }} as next_search_at,
        min(occurred_at) filter (where kind = 'product_view') {{ what_follows }} as next_product_view_at
    from {{ ref('int_web_events') }}
    where kind in ('search', 'product_view')

)

select
    events.event_id as search_id,
    events.session_id,
    sessions.customer_id,

    events.search_query,

    events.results_count,

    coalesce(
        events.next_product_view_at <= events.occurred_at + interval '10 minutes'
        and events.next_product_view_at <= coalesce(events.next_search_at, timestamptz 'infinity'),
        false
    ) as led_to_product_view,

    events.occurred_at as searched_at
from events
inner join {{ ref('sessions') }} as sessions on events.session_id = sessions.session_id
where events.kind = 'search'
