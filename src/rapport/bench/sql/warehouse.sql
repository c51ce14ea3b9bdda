-- name: seed
select setseed(0.42);

-- name: products
insert into raw_shopify.products (
    id, title, product_type, vendor, status, total_inventory, price_min_amount, price_max_amount, currency_code,
    created_at, updated_at, _dlt_load_id, _dlt_id
)
select
    'gid://shopify/Product/' || n,
    'Product ' || n,
    'Category ' || n %% 40,
    'Brand ' || n %% 90,
    'ACTIVE',
    n %% 50,
    5 + n %% 120,
    5 + n %% 120,
    'GBP',
    %(as_of)s::timestamptz - interval '1000 days',
    %(as_of)s::timestamptz - interval '10 days',
    '1',
    'p' || n
from generate_series(1, 2000) as n;

-- name: customers
-- Every fiftieth account is somebody's second one, under the same address.
insert into raw_shopify.customers (
    id, first_name, last_name, email, phone, email_marketing_state, email_consent_updated_at, locale, country_code, city,
    zip, address1, tags, created_at, updated_at, _dlt_load_id, _dlt_id
)
select
    'gid://shopify/Customer/' || n,
    'First' || chr(97 + who %% 26) || chr(97 + who / 26 %% 26),
    'Last' || chr(97 + who / 676 %% 26) || chr(97 + who / 17576 %% 26),
    'person' || who || '@example.com',
    case when n %% 4 = 0 then '+4477' || lpad(who::text, 8, '0') end,
    (array['SUBSCRIBED', 'SUBSCRIBED', 'UNSUBSCRIBED', 'NOT_SUBSCRIBED'])[1 + n %% 4],
    at,
    'en-GB',
    (array['GB', 'GB', 'GB', 'DE', 'FR', 'US'])[1 + n %% 6],
    'City ' || n %% 300,
    'Z' || n %% 10000,
    who || ' High Street',
    '[]',
    at,
    at,
    %(load)s,
    'c' || n
from (
    select
        n,
        case when n %% 50 = 0 then n - 7 else n end as who,
        %(as_of)s::timestamptz - random() * interval '1095 days' as at
    from generate_series(%(first)s::integer, %(last)s::integer) as n
) as made;

-- name: orders
-- A third of the people buy most; newer months sell more; one order in thirty is cancelled, one line in twenty returned.
insert into raw_shopify.orders (
    id, name, customer_id, email, created_at, processed_at, updated_at, cancelled_at, test, financial_status,
    currency_code, total_amount, shipping_amount, tax_amount, refunded_amount, source_name, customer_locale,
    discount_codes, shipping_address, customer_journey, line_items, _dlt_load_id, _dlt_id
)
select
    'gid://shopify/Order/' || n,
    '#' || n,
    case when who > 0 then 'gid://shopify/Customer/' || who end,
    'person' || case when who > 0 then who when n %% 2 = 0 then n %% %(customers)s + 1 else -n end || '@example.com',
    at,
    at,
    at,
    case when n %% 30 = 0 then at + interval '1 day' end,
    false,
    'PAID',
    (array['GBP', 'GBP', 'GBP', 'GBP', 'GBP', 'EUR', 'USD'])[1 + n %% 7],
    0,
    3.5,
    2,
    0,
    (array['web', 'web', 'web', 'pos', 'instagram'])[1 + n %% 5],
    'en-GB',
    '[]',
    jsonb_build_object('name', 'A Person', 'countryCodeV2', 'GB', 'city', 'City', 'zip', 'Z1', 'address1', '1 Row'),
    case when n %% 10 = 0 then jsonb_build_object('utm_source', 'newsletter', 'utm_campaign', 'campaign_' || n %% 4) end,
    jsonb_path_query_array(jsonb_build_array(
        jsonb_build_object(
            'id', 'gid://L/' || n || '-1', 'product_id', 'gid://shopify/Product/' || one, 'title', 'Product ' || one,
            'sku', 'SKU' || one, 'quantity', 1 + n %% 3, 'current_quantity', case when n %% 20 = 0 then 0 else 1 + n %% 3 end,
            'unit_price_amount', (5 + one %% 120)::text || '.00', 'discount_amount', case when n %% 6 = 0 then '1.00' else '0' end
        ),
        jsonb_build_object(
            'id', 'gid://L/' || n || '-2', 'product_id', 'gid://shopify/Product/' || two, 'title', 'Product ' || two,
            'sku', 'SKU' || two, 'quantity', 1, 'current_quantity', 1,
            'unit_price_amount', (5 + two %% 120)::text || '.00', 'discount_amount', '0'
        )
    ), case when n %% 5 < 3 then '$[0]' else '$[*]' end::jsonpath),
    %(load)s,
    'o' || n
from (
    select
        n,
        case when n %% 12 = 0 then 0 else 1 + floor(%(customers)s * random() ^ 2.2)::integer end as who,
        1 + floor(2000 * random() ^ 2)::integer as one,
        1 + floor(2000 * random() ^ 2)::integer as two,
        %(until)s::timestamptz - random() ^ 1.5 * make_interval(days => %(days)s) as at
    from generate_series(%(first)s::integer, %(last)s::integer) as n
) as made;

-- name: analyze_raw
analyze raw_shopify.customers, raw_shopify.orders, raw_shopify.products, raw_web.events;

-- name: sizes
select
    (select count(*) from raw_shopify.customers) as customers,
    (select count(*) from raw_shopify.orders) as orders,
    (select count(*) from raw_web.events) + (select count(*) from ops.webhook_inbox) as events,
    pg_database_size(current_database()) as bytes;
