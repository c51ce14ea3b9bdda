-- What visitors of the shop do, as the gateway takes it in. docs/web.md says what is kept and what is not.
create schema raw_web authorization loader;
grant usage on schema raw_web to gateway, transformer, engine;
alter default privileges for role loader in schema raw_web grant select on tables to transformer, engine;

set local role loader;

-- Grain: one event, by the id that its sender gave it. Append only. Without consent there are no identifiers: device_id,
-- user_id, properties, page and campaign are null or empty, the id is a keyed hash and occurred_at is cut to the hour.
create table raw_web.events (
    message_id text primary key,
    type text not null check (type in ('identify', 'track', 'page', 'screen', 'alias', 'group')),
    -- Of a track event its name, of a page or screen the name it was given.
    name text,
    device_id text,
    user_id text,
    previous_id text,
    properties jsonb not null default '{}',
    page jsonb not null default '{}',
    campaign jsonb not null default '{}',
    channel text not null check (channel in ('web', 'app', 'server')),
    device_kind text not null check (device_kind in ('desktop', 'mobile', 'tablet', 'unknown')),
    is_bot boolean not null,
    has_consent boolean not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    check (
        has_consent
        or (
            coalesce(device_id, user_id, previous_id) is null
            and properties = '{}' and page = '{}' and campaign = '{}'
        )
    )
);
create index on raw_web.events (received_at);
create index on raw_web.events (device_id, occurred_at) where device_id is not null;
create index on raw_web.events (user_id) where user_id is not null;

-- Grain: one event that could not be read. shape says which fields it had and of what kind: never a value.
create table raw_web.quarantine (
    event_hash text primary key,
    reason text not null,
    shape jsonb not null,
    received_at timestamptz not null
);
create index on raw_web.quarantine (received_at);

grant insert on raw_web.events, raw_web.quarantine to gateway;
-- The keys only: what `on conflict` must see.
grant select (message_id) on raw_web.events to gateway;
grant select (event_hash) on raw_web.quarantine to gateway;
