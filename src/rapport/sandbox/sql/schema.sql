-- The simulated world. Epoch seconds (UTC) for every *_at column; `doc` is JSON text in the shape the vendor's API answers.

-- Grain: one setting of the world (seed, origin, counters, installation facts).
create table if not exists meta (
    key text primary key,
    value text not null
) strict;

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

-- Grain: one account in one system: the truth of who is who, which no API ever shows.
-- account_id is the bare number for shopify and zendesk, the DID for bluesky.
create table if not exists accounts (
    system text not null check (system in ('shopify', 'zendesk', 'bluesky')),
    account_id text not null,
    person_id integer not null references persons (person_id),
    primary key (system, account_id)
) strict;
create index if not exists accounts_person on accounts (person_id, system);

-- Grain: one store account. email is the spelling held by the store, lower-cased, or null.
create table if not exists shopify_customers (
    id integer primary key,
    updated_at real not null,
    created_at real not null,
    email text,
    doc text not null
) strict;
create index if not exists shopify_customers_updated on shopify_customers (updated_at, id);
create index if not exists shopify_customers_created on shopify_customers (created_at, id);
create index if not exists shopify_customers_email on shopify_customers (email);

-- Grain: one order. customer_id is null for guest and anonymous till orders; person_id is truth.
create table if not exists shopify_orders (
    id integer primary key,
    updated_at real not null,
    created_at real not null,
    customer_id integer,
    person_id integer not null,
    campaign text,
    doc text not null
) strict;
create index if not exists shopify_orders_updated on shopify_orders (updated_at, id);
create index if not exists shopify_orders_created on shopify_orders (created_at, id);
create index if not exists shopify_orders_customer on shopify_orders (customer_id);
create index if not exists shopify_orders_person on shopify_orders (person_id);

-- Grain: one product.
create table if not exists shopify_products (
    id integer primary key,
    updated_at real not null,
    created_at real not null,
    doc text not null
) strict;
create index if not exists shopify_products_updated on shopify_products (updated_at, id);

-- Grain: one support user. email lower-cased or null.
create table if not exists zendesk_users (
    id integer primary key,
    updated_at real not null,
    email text,
    doc text not null
) strict;
create index if not exists zendesk_users_updated on zendesk_users (updated_at, id);

-- Grain: one support ticket.
create table if not exists zendesk_tickets (
    id integer primary key,
    updated_at real not null,
    requester_id integer not null,
    person_id integer not null,
    doc text not null
) strict;
create index if not exists zendesk_tickets_updated on zendesk_tickets (updated_at, id);

-- Grain: one Bluesky account; id is the DID.
create table if not exists bluesky_profiles (
    id text primary key,
    updated_at real not null,
    handle text not null,
    doc text not null
) strict;
create index if not exists bluesky_profiles_handle on bluesky_profiles (handle);

-- Grain: one record (post, reply, quote, like, repost, follow); id is the at-uri; kind 'post' is the shop's own.
create table if not exists bluesky_interactions (
    id text primary key,
    updated_at real not null,
    kind text not null check (kind in ('mention', 'reply', 'quote', 'like', 'repost', 'follow', 'post')),
    author_did text not null,
    doc text not null
) strict;
create index if not exists bluesky_interactions_updated on bluesky_interactions (updated_at, id);

-- Grain: one device and person who uses it: the truth behind its anonymous id.
create table if not exists web_devices (
    device_id text not null,
    person_id integer not null references persons (person_id),
    kind text not null check (kind in ('phone', 'computer', 'tablet', 'app')),
    consents integer not null check (consents in (0, 1)),
    primary key (device_id, person_id)
) strict;

-- Grain: one event of the shop's pages that the gateway has not taken yet.
create table if not exists web_outbox (
    position integer primary key,
    due_at real not null,
    event text not null
) strict;
create index if not exists web_outbox_due on web_outbox (due_at);

-- Grain: one discount that codes redeem.
create table if not exists shopify_discounts (
    id integer primary key,
    doc text not null
) strict;

-- Grain: one code of a discount; upper and lower case are the same.
create table if not exists shopify_discount_codes (
    id integer primary key,
    code text not null unique collate nocase,
    discount_id integer not null references shopify_discounts (id)
) strict;

-- Grain: one batch of codes that was asked for. polls counts how often its state was asked.
create table if not exists shopify_code_creations (
    id integer primary key,
    doc text not null,
    polls integer not null default 0
) strict;
