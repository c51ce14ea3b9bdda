-- Grain: one row a page or screen that was shown. seconds_until_next is null for the last one of a session.
select
    events.event_id as page_view_id,
    events.session_id,
    sessions.customer_id,

    events.channel,
    events.page_name,
    events.page_category,
    events.page_path,

    extract(
        epoch from lead(events.occurred_at) over (
            partition by events.session_id order by events.occurred_at, events.event_id
        ) - events.occurred_at
    )::numeric(12, 1) as seconds_until_next,

    events.occurred_at as viewed_at
from {{ ref('int_web_events') }} as events
inner join {{ ref('sessions') }} as sessions on events.session_id = sessions.session_id
where events.kind = 'page_view'
