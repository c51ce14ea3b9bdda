-- name: by_campaign
select
    campaign_id,
    state,
    count(*) as n
from ops.send
group by campaign_id, state
order by campaign_id, state;

-- name: unknown_age
select
    count(*) as n,
    coalesce(extract(epoch from clock_timestamp() - min(unknown_since)), 0)::double precision as oldest_seconds
from ops.send
where state = 'unknown';

-- name: inbox_backlog
select
    count(*) as n,
    coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::double precision as oldest_seconds
from ops.webhook_inbox
where processed_at is null;

-- name: controls
select
    name,
    value
from ops.control
where name in ('kill_switch', 'provider_pause');

-- name: paused_campaigns
select campaign_id
from ops.campaign
where paused
order by campaign_id;
