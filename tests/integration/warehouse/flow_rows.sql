-- Mia: agreed lately, has a birthday soon, points, a solved ticket and an abandoned cart. Noa: buys coffee by a rhythm, looks
-- at a plate whose price fell, and asked for a mug. Liv: stopped buying. Two people share the address of an office.
set local role loader;

insert into raw_files.customers (
    feed, id, email, full_name, birth_date, loyalty_number, email_consent, email_consent_at, load_id
) values
('till', '61', 'mia@example.com', 'Mia North', '1990-03-28', '501', true, '2026-03-20', '00000000-0000-0000-0000-000000000001'),
('till', '62', 'noa@example.com', 'Noa South', null, null, true, '2024-01-01', '00000000-0000-0000-0000-000000000001'),
('till', '63', 'liv@example.com', 'Liv West', null, null, true, '2024-01-01', '00000000-0000-0000-0000-000000000001');

insert into raw_files.loyalty (feed, id, email, tier, points, points_expiring, expire_on, tier_since, load_id) values
('club', '501', null, 'gold', 400, 100, '2026-04-10', '2026-03-10', '00000000-0000-0000-0000-000000000001'),
('club', '999', 'nobody@example.com', 'gold', 1, 1, '2026-04-10', '2026-03-10', '00000000-0000-0000-0000-000000000001');

insert into raw_zendesk.users (id, name, email, role, locale, verified, created_at, updated_at)
values (161, 'Mia North', 'mia@example.com', 'end-user', 'en-GB', true, '2026-02-01', '2026-02-01');
insert into raw_zendesk.tickets (id, requester_id, subject, status, channel, created_at, updated_at, solved_at) values
(61, 161, 'A chipped cup', 'solved', 'email', '2026-03-15', '2026-03-20', '2026-03-20'),
(62, 161, 'A late parcel', 'open', 'email', '2026-03-18', '2026-03-18', null);

insert into raw_files.products (feed, id, title, price, currency_code, inventory, status, load_id)
values ('till', 'P9', 'Coffee', 8, 'GBP', 5, 'active', '00000000-0000-0000-0000-000000000001');
insert into raw_files.order_lines (
    feed, order_id, line_no, customer_id, ordered_at, product_id, title, quantity, unit_price, currency_code, load_id
) values
('till', 'N1', 1, '62', '2026-01-20 12:00', 'P9', 'Coffee', 1, 8, 'GBP', '00000000-0000-0000-0000-000000000001'),
('till', 'N2', 1, '62', '2026-02-10 12:00', 'P9', 'Coffee', 1, 8, 'GBP', '00000000-0000-0000-0000-000000000001'),
('till', 'N3', 1, '62', '2026-03-03 12:00', 'P9', 'Coffee', 1, 8, 'GBP', '00000000-0000-0000-0000-000000000001'),
('till', 'N4', 1, '62', '2026-03-24 12:00', 'P8', 'A spoon', 1, 3, 'GBP', '00000000-0000-0000-0000-000000000001'),
('till', 'L1', 1, '63', '2025-09-20 12:00', 'P8', 'A spoon', 1, 3, 'GBP', '00000000-0000-0000-0000-000000000001');

update raw_shopify.products
set price_min_amount = 15, price_max_amount = 15, updated_at = '2026-03-23'
where id = 'gid://shopify/Product/2';

insert into raw_web.events (
    message_id, type, name, device_id, user_id, properties, channel, device_kind, is_bot, has_consent, occurred_at, received_at
)
select
    'flow-' || given.no, 'track', given.name, given.device, given.person,
    jsonb_build_object('product_id', given.product, 'url', 'https://shop.example/p/' || given.product)
    || case when given.name = 'Product Added' then jsonb_build_object('cart_id', 'c61', 'quantity', 1) else '{}' end,
    'web', 'desktop', false, true, given.at, given.at
from (
    values
    (1, 'Product Added', 'mia', '61', '1', timestamptz '2026-03-24 20:00+00'),
    (2, 'Product Viewed', 'noa', '62', '2', '2026-03-21 20:00+00'),
    (3, 'Product Viewed', 'noa', '62', '2', '2026-03-24 20:00+00'),
    (4, 'Back In Stock Requested', 'noa', '62', '1', '2026-03-24 20:05+00')
) as given (no, name, device, person, product, at);

reset role;
set local role transformer;
insert into scores.product_pairs (
    product_id, rank, companion_id, orders_count, support, confidence, confidence_low, lift, model, as_of
)
values ('files:till:P9', 1, 'shopify:gid://shopify/Product/1', 9, 0.1, 0.5, 0.4, 2, 'test', '2026-03-24');
