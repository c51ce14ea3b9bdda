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

-- name: web_events
-- Visits of eight events: four pages, two products, a search or a cart, a log-in in one of three.
insert into raw_web.events (
    message_id, type, name, device_id, user_id, properties, page, campaign, channel, device_kind, is_bot, has_consent,
    occurred_at, received_at
)
select
    'w' || n,
    case when step in (0, 1, 3, 5) then 'page' else 'track' end,
    case step
        when 2 then 'Product Viewed' when 4 then 'Product Viewed'
        when 6 then case when visit %% 3 = 0 then 'Product Added' else 'Products Searched' end
        when 7 then case when visit %% 9 = 0 then 'Checkout Started' else 'Product Viewed' end
        else 'page'
    end,
    'd' || who,
    case when visit %% 3 = 0 and who <= %(customers)s then 'gid://shopify/Customer/' || who end,
    case
        when step in (0, 1, 3, 5) then '{}'
        when step = 6 and visit %% 3 <> 0 then jsonb_build_object('query', 'product ' || n %% 500, 'results_count', n %% 30)
        else jsonb_build_object(
            'product_id', (1 + (visit * 31 + step * 7) %% 2000)::text, 'price', 10, 'quantity', 1, 'currency', 'GBP',
            'cart_id', 'cart' || visit, 'url', 'https://shop.example/p/' || 1 + (visit * 31 + step * 7) %% 2000
        )
    end,
    jsonb_build_object('path', '/page/' || n %% 200, 'url', 'https://shop.example/page/' || n %% 200),
    case when visit %% 11 = 0 then '{"source": "newsletter", "medium": "email", "name": "campaign_1"}'::jsonb else '{}' end,
    'web',
    (array['desktop', 'mobile', 'mobile'])[1 + visit %% 3],
    visit %% 40 = 1,
    true,
    at + step * interval '40 seconds',
    at + step * interval '40 seconds'
from (
    select
        visit,
        1 + floor(1.2 * %(customers)s * random() ^ 2)::integer as who,
        %(until)s::timestamptz - interval '10 minutes' - random() ^ 2 * make_interval(days => %(days)s) as at
    from generate_series(%(first)s::integer / 8, %(last)s::integer / 8) as visit
) as visits
cross join lateral (select step, visit * 8 + step as n from generate_series(0, 7) as step) as steps
where n between %(first)s and %(last)s;

-- name: campaign
insert into ops.campaign (campaign_id, kind, topic, policy, paused, definition, version, updated_at)
select 'campaign_' || n, 'broadcast', 'marketing', 'at_most_once', false, '{}', '1', %(as_of)s
from generate_series(0, 3) as n;

-- name: templates
insert into ops.template (template_version, campaign_id, subject, preheader, html, body_text, language, created_at)
select campaign_id, campaign_id, '', '', '', '', 'en', %(as_of)s
from ops.campaign;

-- name: recipients
insert into ops.recipient (recipient_key, address, created_at)
select md5(n::text), 'person' || n || '@example.com', %(as_of)s
from generate_series(%(first)s::integer, %(last)s::integer) as n
on conflict do nothing;

-- name: occurrences
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
select campaign_id, %(key)s, %(at)s, '{}'
from ops.campaign;

-- name: sends
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state, due_at, expires_at,
    attempt_no, accepted_at, template_version, context, planned_at, mailbox
)
select
    md5(%(key)s || n)::uuid,
    'campaign_' || n %% 4,
    %(key)s,
    md5(n::text),
    ids.customer_id,
    'marketing',
    'at_most_once',
    'accepted',
    %(at)s,
    %(at)s::timestamptz + interval '2 days',
    1,
    %(at)s::timestamptz + interval '1 minute',
    'campaign_' || n %% 4,
    '{}',
    %(at)s,
    'other'
from generate_series(%(first)s::integer, %(last)s::integer) as n
inner join identity.members as ids on ids.profile_key = 'shopify:gid://shopify/Customer/' || n
inner join ops.recipient as known on known.recipient_key = md5(n::text);

-- name: mail_events
insert into ops.webhook_inbox (event_id, event, send_id, attempt_no, raw, occurred_at, received_at, processed_at)
select
    sends.send_id || kind,
    kind,
    sends.send_id,
    1,
    jsonb_build_object('email', recipients.address, 'url', 'https://shop.example/page/1'),
    sends.accepted_at + minutes * interval '1 minute',
    sends.accepted_at + minutes * interval '1 minute',
    sends.accepted_at + minutes * interval '1 minute'
from ops.send as sends
inner join ops.recipient as recipients on sends.recipient_key = recipients.recipient_key
cross join (values ('delivered', 1, 256), ('open', 60, 90), ('click', 61, 20), ('unsubscribe', 62, 1)) as kinds (kind, minutes, of_256)
where sends.occurrence_key = %(key)s and get_byte(uuid_send(sends.send_id), 0) < of_256;

-- name: change_customers
update raw_shopify.customers as customers
set city = 'Moved', updated_at = %(as_of)s, _dlt_load_id = %(load)s
where id in (
    select 'gid://shopify/Customer/' || 1 + floor(%(customers)s * random())::integer
    from generate_series(1, %(count)s)
);

-- name: change_orders
-- What comes late: pieces sent back, weeks after.
update raw_shopify.orders as orders
set
    line_items = jsonb_set(line_items, '{0,current_quantity}', '0'),
    updated_at = %(as_of)s,
    _dlt_load_id = %(load)s
where id in (
    select 'gid://shopify/Order/' || 1 + floor(%(orders)s * random())::integer
    from generate_series(1, %(count)s)
);

-- name: analyze_raw
analyze raw_shopify.customers, raw_shopify.orders, raw_shopify.products, raw_web.events;

-- name: analyze_ops
analyze ops.send, ops.webhook_inbox, ops.recipient, ops.occurrence;

-- name: sizes
select
    (select count(*) from raw_shopify.customers) as customers,
    (select count(*) from raw_shopify.orders) as orders,
    (select count(*) from raw_web.events) + (select count(*) from ops.webhook_inbox) as events,
    pg_database_size(current_database()) as bytes;
