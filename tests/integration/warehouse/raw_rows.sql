-- Ada: two store accounts, a help desk user with her phone as typed, a social account she named herself, a guest order.
-- Bea and Ben: a household with one phone. Twelve strangers behind one address. Cleo: bought long ago, then left.
set local role loader;

insert into raw_shopify.customers (
    id, first_name, last_name, email, phone, email_marketing_state, email_consent_updated_at, locale, country_code, city,
    zip, address1, province_code, note, tags, created_at, updated_at
) values
('gid://shopify/Customer/1', 'Ada', 'Lovelace', 'Ada@Example.com', '07700 900001', 'SUBSCRIBED', '2026-01-02', 'en-GB',
    'GB', 'London', 'N1 1AA', '1 Row', null, 'bluesky:@ada.social', '["loyalty:77", "vip"]', '2026-01-02', '2026-03-01'),
('gid://shopify/Customer/2', 'A', 'Lovelace', 'ada+shop@example.com', null, 'UNSUBSCRIBED', '2026-02-02', 'en-GB', 'GB',
    'London', null, null, null, null, '[]', '2026-02-02', '2026-02-02'),
('gid://shopify/Customer/3', 'Bea', 'Stone', 'bea@example.com', '+15550100003', 'SUBSCRIBED', '2026-01-05', 'en-US', 'US',
    'Seattle', '98101', '3 Pine', 'WA', null, null, '2026-01-05', '2026-01-05'),
('gid://shopify/Customer/4', 'Ben', 'Stone', 'ben@example.com', '(555) 010-0003', 'NOT_SUBSCRIBED', null, 'en-US', 'US',
    'Seattle', '98101', '3 Pine', 'WA', null, null, '2026-01-06', '2026-01-06'),
('gid://shopify/Customer/5', 'Cleo', 'Wells', 'cleo@example.com', null, 'SUBSCRIBED', '2025-01-01', 'fr-FR', 'FR', 'Paris',
    null, null, null, null, null, '2025-01-01', '2025-01-01');

insert into raw_zendesk.users (id, name, email, phone, role, locale, time_zone, external_id, verified, created_at, updated_at)
select
    900 + n, 'Clerk' || chr(64 + n) || ' Other' || chr(64 + n), 'front@office.example', null, 'end-user', 'en', null, null,
    true, timestamptz '2026-03-01', timestamptz '2026-03-01'
from generate_series(1, 12) as n
union all
values
(100, 'Lovelace, Ada', null, '+44 (0)7700 900001', 'end-user', 'en-GB', 'Europe/Lisbon', null, true,
    timestamptz '2026-02-10', timestamptz '2026-02-10'),
(101, 'An Agent', 'agent@shop.example', null, 'agent', 'en-GB', 'Europe/London', null, true, '2026-01-01', '2026-01-01');

insert into raw_zendesk.tickets (id, requester_id, subject, status, channel, satisfaction_score, created_at, updated_at)
values (1, 100, 'Where is it?', 'open', 'email', 'unoffered', '2026-02-10', '2026-02-10'),
(2, 101, 'Note to self', 'closed', 'web', null, '2026-02-11', '2026-02-11');

insert into raw_bluesky.profiles (id, handle, display_name, created_at, indexed_at)
values ('did:plc:ada', 'ada.social', 'ada ✨', '2025-05-05', '2026-01-01');
insert into raw_bluesky.interactions (id, author_did, author_handle, kind, text, created_at, indexed_at)
values ('at://1', 'did:plc:ada', 'ada.social', 'mention', 'lovely mugs', '2026-02-12', '2026-02-12'),
('at://2', 'did:plc:zed', 'zed.social', 'like', null, '2026-02-13', '2026-02-13');

insert into raw_shopify.products (id, title, url, image_url, product_type, status, currency_code, price_min_amount)
values ('gid://shopify/Product/1', 'Blue mug', null, null, 'Mugs', 'ACTIVE', 'GBP', 10),
('gid://shopify/Product/2', 'Red plate', 'https://shop.example/plate', 'https://shop.example/plate.jpg', 'Plates', 'ACTIVE',
    'GBP', 20);

insert into raw_shopify.orders (
    id, name, customer_id, email, phone, created_at, updated_at, cancelled_at, test, currency_code, source_name,
    shipping_amount, shipping_address, customer_journey, line_items
) values
('gid://shopify/Order/1', '#1', 'gid://shopify/Customer/1', 'ada@example.com', null, '2026-03-01', '2026-03-01', null, false,
    'GBP', 'web', 4, '{"name": "Ada Lovelace", "countryCodeV2": "GB"}', null,
    '[{"id": "gid://L/1", "product_id": "gid://shopify/Product/1", "title": "Blue mug", "quantity": 3,
       "current_quantity": 2, "unit_price_amount": "10.00", "discount_amount": "3.00"}]'),
('gid://shopify/Order/2', '#2', null, 'ADA@example.com', null, '2026-03-20', '2026-03-20', null, false, 'GBP', 'web', 0,
    '{"name": "Ada Lovelace", "countryCodeV2": "GB"}', null,
    '[{"id": "gid://L/2", "product_id": "gid://shopify/Product/2", "title": "Red plate", "quantity": 1,
       "current_quantity": 1, "unit_price_amount": "20.00"}]'),
('gid://shopify/Order/3', '#3', 'gid://shopify/Customer/3', 'bea@example.com', null, '2026-03-02', '2026-03-02',
    '2026-03-03', false, 'GBP', 'web', 0, null, null,
    '[{"id": "gid://L/3", "product_id": "gid://shopify/Product/1", "title": "Blue mug", "quantity": 1,
       "unit_price_amount": "10.00"}]'),
('gid://shopify/Order/4', '#4', 'gid://shopify/Customer/5', 'cleo@example.com', null, '2025-08-01', '2025-08-01', null, false,
    'EUR', 'web', 0, null, null,
    '[{"id": "gid://L/4", "product_id": null, "title": "Gone", "quantity": 1, "unit_price_amount": "33.00"}]'),
('gid://shopify/Order/5', '#5', 'gid://shopify/Customer/1', 'ada@example.com', null, '2026-03-05', '2026-03-05', null, true,
    'GBP', 'web', 0, null, null, '[]'),
('gid://shopify/Order/6', '#6', null, null, null, '2026-03-06', '2026-03-06', null, false, 'GBP', 'pos', 0, null, null,
    '[{"id": "gid://L/6", "product_id": "gid://shopify/Product/1", "title": "Blue mug", "quantity": 1,
       "unit_price_amount": "10.00"}]');

insert into landing.load (load_id, source, started_at, status)
values ('00000000-0000-0000-0000-000000000001', 'files', '2026-03-25', 'loaded');
insert into raw_files.customers (feed, id, email, full_name, loyalty_number, email_consent, email_consent_at, load_id)
values ('till', '9', null, 'Ada Lovelace', '77', null, null, '00000000-0000-0000-0000-000000000001'),
('till', '10', 'cleo@example.com', 'Cleo Wells', null, true, null, '00000000-0000-0000-0000-000000000001'),
('till', '11', 'dora@example.com', 'Dora Quill', null, false, null, '00000000-0000-0000-0000-000000000001');
insert into raw_files.order_lines (
    feed, order_id, line_no, customer_id, ordered_at, product_id, title, quantity, unit_price, currency_code,
    country_code, is_cancellation, line_kind, load_id
) values
('till', 'A1', 1, '9', '2026-03-10', 'P1', 'Teapot', 4, 5, 'GBP', 'GB', false, 'product',
    '00000000-0000-0000-0000-000000000001'),
('till', 'A1', 2, '9', '2026-03-10', 'POST', 'Postage', 1, 3, 'GBP', 'GB', false, 'postage',
    '00000000-0000-0000-0000-000000000001'),
('till', 'C1', 1, '9', '2026-03-11', 'P1', 'Teapot', -1, 5, 'GBP', 'GB', true, 'product',
    '00000000-0000-0000-0000-000000000001'),
('till', 'A2', 1, '55', '2026-03-12', 'P1', 'Teapot', 2, 5, 'GBP', 'DE', false, 'product',
    '00000000-0000-0000-0000-000000000001');
