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

-- name: orders
-- A third of the people buy most; newer months sell more; one order in thirty is cancelled, one line in twenty returned.
-- One order in twelve is a guest's: half of them have an account, the others are strangers made of two people's names, and
-- every third of these has an account under another address.
insert into raw_shopify.orders (
    id, name, customer_id, email, created_at, processed_at, updated_at, cancelled_at, test, financial_status,
    currency_code, total_amount, shipping_amount, tax_amount, refunded_amount, source_name, customer_locale,
    discount_codes, shipping_address, customer_journey, line_items, _dlt_load_id, _dlt_id
)
select
    'gid://shopify/Order/' || n,
    '#' || n,
    case when not is_guest then 'gid://shopify/Customer/' || named end,
    'person' || case when is_guest and n %% 24 > 0 then -n else named end || '@example.com',
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
    jsonb_build_object(
        'name', concat_ws(' ', person.first_name, home.last_name), 'countryCodeV2', 'GB', 'city', home.city,
        'zip', home.zip, 'address1', home.address1
    ),
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
        *,
        case when is_guest and n %% 24 > 0 and n %% 9 > 0 then 1 + abs(hashint4(n)::bigint) %% %(customers)s else named end as housed
    from (
        select
            n,
            n %% 12 = 0 as is_guest,
            case
                when n %% 24 = 0 then n %% %(customers)s + 1
                else 1 + floor(%(customers)s * random() ^ case when n %% 12 = 0 then 1 else 2.2 end)::integer
            end as named,
            1 + floor(2000 * random() ^ 2)::integer as one,
            1 + floor(2000 * random() ^ 2)::integer as two,
            %(until)s::timestamptz - random() ^ 1.5 * make_interval(days => %(days)s) as at
        from generate_series(%(first)s::integer, %(last)s::integer) as n
    ) as drawn
) as made
left join raw_shopify.customers as person on 'gid://shopify/Customer/' || made.named = person.id
left join raw_shopify.customers as home on 'gid://shopify/Customer/' || made.housed = home.id;

-- name: analyze_raw
analyze raw_shopify.customers, raw_shopify.orders, raw_shopify.products, raw_web.events;

-- name: sizes
select
    (select count(*) from raw_shopify.customers) as customers,
    (select count(*) from raw_shopify.orders) as orders,
    (select count(*) from raw_web.events) + (select count(*) from ops.webhook_inbox) as events,
    pg_database_size(current_database()) as bytes;
