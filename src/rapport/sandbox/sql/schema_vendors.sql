-- What the vendors keep. `doc` is JSON text in the shape the vendor's API answers; epoch seconds (UTC) for every *_at column.

-- name: shopify_customers
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

-- name: shopify_orders
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

-- name: shopify_products
-- Grain: one product.
create table if not exists shopify_products (
    id integer primary key,
    updated_at real not null,
    created_at real not null,
    doc text not null
) strict;
create index if not exists shopify_products_updated on shopify_products (updated_at, id);

-- name: zendesk_users
-- Grain: one support user. email lower-cased or null.
create table if not exists zendesk_users (
    id integer primary key,
    updated_at real not null,
    email text,
    doc text not null
) strict;
create index if not exists zendesk_users_updated on zendesk_users (updated_at, id);

-- name: zendesk_tickets
-- Grain: one support ticket.
create table if not exists zendesk_tickets (
    id integer primary key,
    updated_at real not null,
    requester_id integer not null,
    person_id integer not null,
    doc text not null
) strict;
create index if not exists zendesk_tickets_updated on zendesk_tickets (updated_at, id);

-- name: bluesky_profiles
-- Grain: one Bluesky account; id is the DID.
create table if not exists bluesky_profiles (
    id text primary key,
    updated_at real not null,
    handle text not null,
    doc text not null
) strict;
create index if not exists bluesky_profiles_handle on bluesky_profiles (handle);

-- name: bluesky_interactions
-- Grain: one record (post, reply, quote, like, repost, follow); id is the at-uri; kind 'post' is the shop's own.
create table if not exists bluesky_interactions (
    id text primary key,
    updated_at real not null,
    kind text not null check (kind in ('mention', 'reply', 'quote', 'like', 'repost', 'follow', 'post')),
    author_did text not null,
    doc text not null
) strict;
create index if not exists bluesky_interactions_updated on bluesky_interactions (updated_at, id);

-- name: shopify_discounts
-- Grain: one discount that codes redeem.
create table if not exists shopify_discounts (
    id integer primary key,
    doc text not null
) strict;

-- name: shopify_discount_codes
-- Grain: one code of a discount; upper and lower case are the same.
create table if not exists shopify_discount_codes (
    id integer primary key,
    code text not null unique collate nocase,
    discount_id integer not null references shopify_discounts (id)
) strict;

-- name: shopify_code_creations
-- Grain: one batch of codes that was asked for. polls counts how often its state was asked.
create table if not exists shopify_code_creations (
    id integer primary key,
    doc text not null,
    polls integer not null default 0
) strict;

-- name: shopify_redemptions
-- Grain: one code that an order has used up: the truth behind every count of redeemed codes.
create table if not exists shopify_redemptions (
    code text primary key collate nocase,
    order_id integer not null references shopify_orders (id),
    discount integer not null
) strict;
