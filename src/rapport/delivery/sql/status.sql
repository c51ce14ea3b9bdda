-- name: by_campaign
select
    campaign_id,
    state,
    count(*) as n
from ops.send
group by campaign_id, state
order by campaign_id, state;

-- name: figures
select
    (select count(*) from ops.send where state = 'unknown') as unknown,
    (
        select coalesce(extract(epoch from clock_timestamp() - min(unknown_since)), 0)::double precision
        from ops.send
        where state = 'unknown'
    ) as unknown_age_seconds,
    (select count(*) from ops.webhook_inbox where processed_at is null) as inbox,
    (
        select coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::double precision
        from ops.webhook_inbox
        where processed_at is null
    ) as inbox_age_seconds,
    (select value from ops.control where name = 'kill_switch') is distinct from 'false'::jsonb as kill_switch,
    (
        select coalesce(value ->> 'because', 'the switch is unreadable')
        from ops.control
        where name = 'marketing_stop' and value != 'false'::jsonb
    ) as marketing_stop,
    (select value ->> 'because' from ops.control where name = 'restored') as restored,
    (
        select (value ->> 'until')::timestamptz
        from ops.control
        where name = 'provider_pause' and (value ->> 'until')::timestamptz > clock_timestamp()
    ) as provider_pause;

-- name: evidence_gate
-- Of yesterday's and today's attempts that the provider accepted more than five minutes ago: the share with an event.
select
    count(*) as answered,
    count(*) filter (
        where exists (
            select 1
            from ops.webhook_inbox as inbox
            where inbox.send_id = attempt.send_id and inbox.event in ('processed', 'dropped')
        )
    ) as told
from ops.send_attempt as attempt
where
    attempt.outcome = 'accepted'
    and attempt.http_status in (202, 250)
    and attempt.intent_at between clock_timestamp() - interval '35 minutes' and clock_timestamp() - interval '5 minutes';

-- name: duplicates
-- Sends of the last day that the provider took in twice, by its own message ids.
select count(*) as n
from (
    select inbox.send_id
    from ops.webhook_inbox as inbox
    where
        inbox.event = 'processed'
        and inbox.send_id in (
            select attempt.send_id
            from ops.send_attempt as attempt
            where attempt.outcome = 'accepted' and attempt.intent_at > clock_timestamp() - interval '1 day'
        )
    group by inbox.send_id
    having count(distinct inbox.raw ->> 'sg_message_id') > 1
) as twice;

-- name: paused_campaigns
select
    campaign_id,
    coalesce(paused_because, 'by hand') as because
from ops.campaign
where paused
order by campaign_id;

-- name: held_occurrences
select
    occurrence.campaign_id,
    occurrence.occurrence_key,
    coalesce(occurrence.held_because, 'its canaries have not been judged yet') as because
from ops.occurrence as occurrence
where
    occurrence.canary_wait_seconds is not null
    and occurrence.released_at is null
    and exists (
        select 1
        from ops.send
        where
            send.campaign_id = occurrence.campaign_id
            and send.occurrence_key = occurrence.occurrence_key
            and send.state = 'pending'
    )
order by occurrence.campaign_id, occurrence.occurrence_key;

-- name: rates
select
    scope,
    key,
    per_second * 3600 as per_hour
from ops.throttle
order by scope, key;

-- name: warm_ups
select
    sending_domain,
    case when counted_on = %(today)s then sent else 0 end as sent,
    daily_limits[%(today)s::date - started_on + 1] as daily_limit
from ops.warm_up
where %(today)s::date - started_on < cardinality(daily_limits)
order by sending_domain;
