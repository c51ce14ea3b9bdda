-- name: create_tables
-- Grain: one row an address of a person who was in a segment of a campaign that is played.
create temporary table replay_address (
    place integer not null, customer_id text not null, recipient_key text, time_zone text
) on commit drop;

-- name: index_addresses
create index on replay_address (customer_id);

-- name: read_only
set transaction read only;

-- name: history_begins
select min(stay.since_at) as begins
from segments.customer_segments as stay;

-- name: paused
select campaign.campaign_id
from ops.campaign as campaign
where campaign.paused;

-- name: has_orders
-- Without them nobody knows what a customer had bought on a day of the past.
select
    to_regclass('marts.orders') is not null
    and to_regclass('intermediate.int_certain_orders') is not null as there;

-- name: addresses
-- Addresses and zones as of today: who had which one in the past is not kept.
select
    audience.customer_id,
    audience.email,
    audience.time_zone
from activation.campaign_audience as audience
where
    exists (
        select 1
        from segments.customer_segments as stay
        where
            stay.customer_id = audience.customer_id
            and stay.segment = any(%(segments)s)
            and stay.since_at <= %(until)s
            and (stay.left_at is null or stay.left_at > %(since)s)
    )
order by
    audience.customer_id collate "C" asc,
    audience.email_consent desc nulls last,
    audience.email_consent_at desc nulls last,
    audience.email collate "C" asc;

-- name: really_sent
-- What counts against a cap and was not sent by a campaign that is played from `since` on.
select
    send.recipient_key,
    send.campaign_id,
    send.topic,
    send.policy,
    send.due_at,
    send.expires_at
from ops.send as send
where
    send.due_at > %(since)s - make_interval(days => %(most_days)s)
    and send.due_at <= %(until)s
    and send.state not in ('suppressed', 'failed', 'expired', 'cancelled')
    and (send.campaign_id != all(%(played)s) or send.due_at < %(since)s)
    and send.recipient_key in (select address.recipient_key from replay_address as address);
