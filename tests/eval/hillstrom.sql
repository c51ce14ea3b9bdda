-- The published file, and the customers, visits and orders of a shop that it tells of.

-- name: table
create table public.hillstrom (
    person integer generated always as identity primary key,
    recency integer,
    history_segment text,
    history numeric,
    mens integer,
    womens integer,
    zip_code text,
    newbie integer,
    channel text,
    segment text,
    visit integer,
    conversion integer,
    spend numeric
);

-- name: copy
copy public.hillstrom (
    recency, history_segment, history, mens, womens, zip_code, newbie, channel, segment, visit, conversion, spend
)
from stdin with (format csv, header);

-- name: shop
-- Customers, a visit to a page and an order each for whoever came and bought, spread over the two weeks after the mail.
-- Dollars are taken as the reporting currency, so that no rate stands between the file and the tables.
with

people as (
    select
        *,
        'gid://shopify/Customer/' || person as customer_id,
        %(planned_at)s + interval '2 hours' + (person %% 13) * interval '1 day' as came_at
    from public.hillstrom
),

customers as (
    insert into raw_shopify.customers (id, email, created_at, updated_at)
    select
        customer_id,
        'person' || person || '@example.com',
        %(planned_at)s - recency * interval '1 month',
        %(planned_at)s
    from people
),

visits as (
    insert into raw_web.events (
        message_id, type, name, device_id, user_id, page, channel, device_kind, is_bot, has_consent, occurred_at,
        received_at
    )
    select
        'visit-' || person, 'page', 'Home', 'device-' || person, person::text,
        '{"path": "/", "url": "https://shop.example/"}', 'web', 'desktop', false, true, came_at, came_at
    from people
    where visit = 1
)

insert into raw_shopify.orders (
    id, name, customer_id, email, created_at, updated_at, test, currency_code, source_name, shipping_amount, line_items
)
select
    'gid://shopify/Order/' || person, '#' || person, customer_id, 'person' || person || '@example.com',
    came_at + interval '10 minutes', came_at + interval '10 minutes', false, %(currency)s, 'web', 0,
    jsonb_build_array(jsonb_build_object(
        'id', 'gid://L/' || person, 'title', 'Goods', 'quantity', 1, 'current_quantity', 1,
        'unit_price_amount', spend::text, 'discount_amount', '0'
    ))
from people
where conversion = 1;
