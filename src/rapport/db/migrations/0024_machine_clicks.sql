-- Clicks of mail scanners, told from those of people. Companies' scanners follow the links of a mail before its reader
-- sees it. A click is a machine's if
-- - its user agent says so, or is known as that of a scanner;
-- - it came before the mail was delivered, or within 5 seconds: nobody reads so fast;
-- - three different links of the mail were clicked within the 2 seconds around it.
-- It follows from all events of a mail together, so it is worked out whenever it is asked for: in whatever order events
-- come, and however often, the answer is the same. With `of_sends` only these mails are looked at, else all.
create function ops.clicks(of_sends uuid[] default null)
returns table (event_id text, send_id uuid, occurred_at timestamptz, is_machine boolean)
language sql stable
as $$
with clicked as (
    select
        event.event_id,
        event.send_id,
        event.occurred_at,
        event.raw ->> 'url' as url,
        event.raw ->> 'useragent' as agent
    from ops.webhook_inbox as event
    where event.event = 'click' and event.send_id is not null and (of_sends is null or event.send_id = any(of_sends))
),

delivered as (
    select
        event.send_id,
        min(event.occurred_at) as delivered_at
    from ops.webhook_inbox as event
    where event.event = 'delivered' and event.send_id in (select clicked.send_id from clicked)
    group by event.send_id
),

-- Of each link the first click, so that a link clicked three times is no burst.
first_clicked as (
    select
        clicked.send_id,
        min(clicked.occurred_at) as occurred_at
    from clicked
    group by clicked.send_id, clicked.url
),

bursts as (
    select
        counted.send_id,
        counted.occurred_at as since
    from (
        select
            first_clicked.send_id,
            first_clicked.occurred_at,
            count(*) over (
                partition by first_clicked.send_id
                order by first_clicked.occurred_at
                range between current row and interval '2 seconds' following
            ) as links
        from first_clicked
    ) as counted
    where counted.links >= 3
),

in_bursts as (
    select distinct clicked.event_id
    from bursts
    inner join clicked on bursts.send_id = clicked.send_id
    where clicked.occurred_at between bursts.since and bursts.since + interval '2 seconds'
)

select
    clicked.event_id,
    clicked.send_id,
    clicked.occurred_at,
    coalesce(
        clicked.agent ~* (
            'bot\y|crawl|spider|scanner|headless|phantomjs|curl/|wget|python|go-http|libwww|httpclient|java/'
            '|barracuda|proofpoint|mimecast|ironport|symantec|fortiguard|trendmicro|zscaler|forcepoint|cloudmark|safelinks'
        ),
        false
    )
    or coalesce(clicked.occurred_at < delivered.delivered_at + interval '5 seconds', false)
    or in_bursts.event_id is not null
from clicked
left join delivered on clicked.send_id = delivered.send_id
left join in_bursts on clicked.event_id = in_bursts.event_id
$$;

-- Grain: one row a click, for whoever reads them all.
create view ops.click as
select
    event_id,
    send_id,
    occurred_at,
    is_machine
from ops.clicks();
