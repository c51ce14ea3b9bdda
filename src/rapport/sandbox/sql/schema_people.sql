-- People, what is theirs, and the world itself. Epoch seconds (UTC) for every *_at column.

-- name: meta
-- Grain: one setting of the world (seed, origin, counters, installation facts).
create table if not exists meta (
    key text primary key,
    value text not null
) strict;

-- name: persons
-- Grain: one real person. Propensities are probabilities between 0 and 1 per message (buy: per click).
create table if not exists persons (
    person_id integer primary key,
    first_name text not null,
    last_name text not null,
    email text not null,
    phone text not null,
    country text not null,
    city text not null,
    zip text not null,
    address text not null,
    time_zone text not null,
    locale text not null,
    language text not null,
    persona text not null,
    open_propensity real not null,
    click_propensity real not null,
    buy_propensity real not null,
    complaint_propensity real not null,
    unsubscribe_propensity real not null,
    preferred_hour integer not null check (preferred_hour between 0 and 23),
    machine_opens integer not null check (machine_opens in (0, 1)),
    bounces text check (bounces in ('hard', 'soft'))
) strict;

-- name: accounts
-- Grain: one account in one system: the truth of who is who, which no API ever shows.
-- account_id is the bare number for shopify and zendesk, the DID for bluesky.
create table if not exists accounts (
    system text not null check (system in ('shopify', 'zendesk', 'bluesky')),
    account_id text not null,
    person_id integer not null references persons (person_id),
    primary key (system, account_id)
) strict;
create index if not exists accounts_person on accounts (person_id, system);

-- name: web_devices
-- Grain: one device and person who uses it: the truth behind its anonymous id.
create table if not exists web_devices (
    device_id text not null,
    person_id integer not null references persons (person_id),
    kind text not null check (kind in ('phone', 'computer', 'tablet', 'app')),
    consents integer not null check (consents in (0, 1)),
    primary key (device_id, person_id)
) strict;

-- name: web_outbox
-- Grain: one event of the shop's pages that the gateway has not taken yet.
create table if not exists web_outbox (
    position integer primary key,
    due_at real not null,
    event text not null
) strict;
create index if not exists web_outbox_due on web_outbox (due_at);

-- name: sold_out
-- Grain: one time that a thing is not to be had, planned beforehand. What the store says follows when it is time.
create table if not exists sold_out (
    product_id integer not null,
    since_at integer not null,
    until_at integer not null,
    primary key (product_id, since_at),
    check (since_at < until_at)
) strict;
