-- name: switch
-- A switch that a person's hand removed is put back.
insert into ops.control (name, value, changed_at)
values (%(name)s, to_jsonb(%(on)s::boolean), clock_timestamp())
on conflict (name) do update
set value = excluded.value, changed_at = excluded.changed_at;

-- name: under_way
select
    send_id,
    campaign_id
from ops.send
where state = 'sending'
order by send_id;

-- name: how_they_ended
select
    campaign_id,
    state,
    count(*) as n
from ops.send
where send_id = any(%(send_ids)s)
group by campaign_id, state
order by campaign_id, state;

-- name: pause_campaign
update ops.campaign
set paused = true, paused_because = %(because)s, paused_at = clock_timestamp()
where campaign_id = %(campaign_id)s
returning campaign_id;

-- name: resume_campaign
-- What the breaker paused is lifted by a reset, or the same evidence would pause it again.
update ops.campaign
set paused = false, paused_because = null, paused_at = null
where campaign_id = %(campaign_id)s and coalesce(paused_because, '') not like 'breaker:%%'
returning campaign_id;

-- name: paused_by_breaker
select paused_because
from ops.campaign
where campaign_id = %(campaign_id)s and paused_because like 'breaker:%%';

-- name: campaigns
select campaign_id
from ops.campaign
order by campaign_id;

-- name: cancel
-- What has left has left; only what nobody has claimed can be called back.
with waiting as materialized (
    select send.send_id
    from ops.send as send
    where
        send.campaign_id = %(campaign_id)s
        and (%(occurrence_key)s::text is null or send.occurrence_key = %(occurrence_key)s)
        and send.state = 'pending'
    order by send.send_id
    for update
)

update ops.send
set state = 'cancelled', reason = %(because)s, fence = nextval('ops.fence')
from waiting
where send.send_id = waiting.send_id
returning send.send_id;

-- name: set_rate
insert into ops.throttle (scope, key, per_second, burst, tokens)
values (%(scope)s, %(key)s, %(per_second)s, %(burst)s, %(burst)s)
on conflict (scope, key) do update
set per_second = excluded.per_second, burst = excluded.burst, tokens = least(throttle.tokens, excluded.burst);

-- name: clear_rate
delete from ops.throttle
where scope = %(scope)s and key = %(key)s;

-- name: set_warm_up
insert into ops.warm_up (sending_domain, started_on, daily_limits)
values (%(sending_domain)s, %(started_on)s, %(daily_limits)s)
on conflict (sending_domain) do update
set started_on = excluded.started_on, daily_limits = excluded.daily_limits;

-- name: clear_warm_up
delete from ops.warm_up
where sending_domain = %(sending_domain)s;
