-- name: create_tables
-- Grain: one row an address of a person who was in the segment at any time of the replay; then one row a day and person.
create temporary table replay_address (
    place integer not null, customer_id text not null, recipient_key text not null, holdout_place double precision
) on commit drop;
create temporary table replay_got (
    occurrence_key text not null, slot_at timestamptz not null, customer_id text not null, recipient_key text not null
) on commit drop;
create index on replay_got (recipient_key, slot_at);

-- name: read_only
set transaction read only;

-- name: history_begins
select min(stay.since_at) as begins
from segments.customer_segments as stay;

-- name: addresses
-- Addresses as of today: who had which one in the past is not kept.
select
    audience.customer_id,
    audience.email
from activation.campaign_audience as audience
where
    audience.email is not null
    and exists (
        select 1
        from segments.customer_segments as stay
        where
            stay.customer_id = audience.customer_id
            and stay.segment = %(segment)s
            and stay.since_at <= %(until)s
            and (stay.left_at is null or stay.left_at > %(since)s)
    )
order by
    audience.customer_id collate "C" asc,
    audience.email_consent desc nulls last,
    audience.email_consent_at desc nulls last,
    audience.email collate "C" asc;
