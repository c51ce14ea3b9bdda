-- Eve: buys the same coffee every 32 days, always with a discount, each time elsewhere. Finn: pays in euros. Gil: has a
-- birthday soon and never bought. Zed speaks well of the shop.
set local role loader;

insert into raw_shopify.products (
    id, title, vendor, product_type, status, currency_code, price_min_amount, price_max_amount, total_inventory, updated_at
) values
('gid://shopify/Product/3', 'Coffee', 'Bean & Co', 'Coffee', 'ACTIVE', 'GBP', 9, 9, 40, '2026-03-01');

insert into raw_shopify.customers (
    id, first_name, last_name, email, email_marketing_state, email_marketing_opt_in_level, email_consent_updated_at,
    country_code, created_at, updated_at
) values
('gid://shopify/Customer/10', 'Eve', 'Moss', 'eve@example.com', 'SUBSCRIBED', 'CONFIRMED_OPT_IN', '2025-12-20', 'GB',
    '2025-12-20', '2025-12-20'),
('gid://shopify/Customer/11', 'Finn', 'Oak', 'finn@example.com', 'SUBSCRIBED', 'SINGLE_OPT_IN', '2026-03-01', 'IE',
    '2026-03-01', '2026-03-01');

insert into raw_shopify.orders (
    id, name, customer_id, email, created_at, updated_at, test, currency_code, source_name, shipping_amount,
    refunded_amount, customer_journey, line_items
) values
('gid://shopify/Order/10', '#10', 'gid://shopify/Customer/10', 'eve@example.com', '2025-12-20', '2025-12-20', false, 'GBP',
    'instagram', 0, null, '{"utm_source": "instagram", "utm_campaign": "launch"}',
    '[{"id": "gid://L/10", "product_id": "gid://shopify/Product/3", "sku": "COF", "title": "Coffee", "quantity": 2,
       "current_quantity": 2, "unit_price_amount": "8.00", "discount_amount": "1.60"}]'),
('gid://shopify/Order/11', '#11', 'gid://shopify/Customer/10', 'eve@example.com', '2026-01-21', '2026-01-21', false, 'GBP',
    'app', 0, null, null,
    '[{"id": "gid://L/11", "product_id": "gid://shopify/Product/3", "sku": "COF", "title": "Coffee", "quantity": 2,
       "current_quantity": 2, "unit_price_amount": "8.00", "discount_amount": "1.60"}]'),
('gid://shopify/Order/12', '#12', 'gid://shopify/Customer/10', 'eve@example.com', '2026-02-22', '2026-02-22', false, 'GBP',
    'pos', 0, 9, null,
    '[{"id": "gid://L/12", "product_id": "gid://shopify/Product/3", "sku": "COF", "title": "Coffee", "quantity": 3,
       "current_quantity": 2, "unit_price_amount": "9.00", "discount_amount": "2.70"}]'),
('gid://shopify/Order/13', '#13', 'gid://shopify/Customer/11', 'finn@example.com', '2026-03-01', '2026-03-01', false,
    'EUR', 'web', 0, null, null,
    '[{"id": "gid://L/13", "product_id": null, "title": "Gift", "quantity": 1, "unit_price_amount": "100.00"}]');

insert into raw_files.customers (feed, id, email, full_name, birth_date, load_id)
values
('till', '20', 'eve@example.com', 'Eve Moss', '2004-02-29', '00000000-0000-0000-0000-000000000001'),
('till', '21', 'gil@example.com', 'Gil Ash', '1990-04-01', '00000000-0000-0000-0000-000000000001');

insert into raw_bluesky.interactions (id, author_did, author_handle, kind, text, created_at, indexed_at)
values ('at://3', 'did:plc:zed', 'zed.social', 'repost', null, '2026-02-14', '2026-02-14'),
('at://4', 'did:plc:zed', 'zed.social', 'quote', 'well said', '2026-02-15', '2026-02-15'),
('at://5', 'did:plc:zed', 'zed.social', 'mention', 'go there', '2026-02-16', '2026-02-16');
