-- name: merge_customers
insert into raw_files.customers as kept (
    feed, id, email, phone, first_name, last_name, full_name, birth_date, country_code, city, zip, address1,
    locale, time_zone, email_consent, email_consent_at, loyalty_number, social_handle, created_at, updated_at, load_id
)
select
    %(feed)s, id, email, phone, first_name, last_name, full_name, birth_date, country_code, city, zip, address1,
    locale, time_zone, email_consent, email_consent_at, loyalty_number, social_handle, created_at, updated_at,
    %(load_id)s
from pg_temp.stage
on conflict (feed, id) do update set
    email = excluded.email,
    phone = excluded.phone,
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    full_name = excluded.full_name,
    birth_date = excluded.birth_date,
    country_code = excluded.country_code,
    city = excluded.city,
    zip = excluded.zip,
    address1 = excluded.address1,
    locale = excluded.locale,
    time_zone = excluded.time_zone,
    email_consent = excluded.email_consent,
    email_consent_at = excluded.email_consent_at,
    loyalty_number = excluded.loyalty_number,
    social_handle = excluded.social_handle,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    load_id = excluded.load_id
where
    -- An older export that overlaps a newer one must not bring yesterday's address back.
    (kept.updated_at is null or excluded.updated_at is null or excluded.updated_at >= kept.updated_at)
    and (
        kept.email, kept.phone, kept.first_name, kept.last_name, kept.full_name, kept.birth_date, kept.country_code,
        kept.city, kept.zip, kept.address1, kept.locale, kept.time_zone, kept.email_consent, kept.email_consent_at,
        kept.loyalty_number, kept.social_handle, kept.created_at, kept.updated_at
    ) is distinct from (
        excluded.email, excluded.phone, excluded.first_name, excluded.last_name, excluded.full_name,
        excluded.birth_date, excluded.country_code, excluded.city, excluded.zip, excluded.address1, excluded.locale,
        excluded.time_zone, excluded.email_consent, excluded.email_consent_at, excluded.loyalty_number,
        excluded.social_handle, excluded.created_at, excluded.updated_at
    );

-- name: merge_order_lines
insert into raw_files.order_lines as kept (
    feed, order_id, line_no, customer_id, email, phone, ordered_at, cancelled_at, product_id, sku, title, quantity,
    unit_price, discount, currency_code, country_code, channel, is_cancellation, line_kind, load_id
)
select
    %(feed)s, order_id, line_no, customer_id, email, phone, ordered_at, cancelled_at, product_id, sku, title,
    quantity, unit_price, discount, currency_code, country_code, channel, is_cancellation, line_kind, %(load_id)s
from pg_temp.stage
on conflict (feed, order_id, line_no) do update set
    customer_id = excluded.customer_id,
    email = excluded.email,
    phone = excluded.phone,
    ordered_at = excluded.ordered_at,
    cancelled_at = excluded.cancelled_at,
    product_id = excluded.product_id,
    sku = excluded.sku,
    title = excluded.title,
    quantity = excluded.quantity,
    unit_price = excluded.unit_price,
    discount = excluded.discount,
    currency_code = excluded.currency_code,
    country_code = excluded.country_code,
    channel = excluded.channel,
    is_cancellation = excluded.is_cancellation,
    line_kind = excluded.line_kind,
    load_id = excluded.load_id
where (
    kept.customer_id, kept.email, kept.phone, kept.ordered_at, kept.cancelled_at, kept.product_id, kept.sku,
    kept.title, kept.quantity, kept.unit_price, kept.discount, kept.currency_code, kept.country_code, kept.channel,
    kept.is_cancellation, kept.line_kind
) is distinct from (
    excluded.customer_id, excluded.email, excluded.phone, excluded.ordered_at, excluded.cancelled_at,
    excluded.product_id, excluded.sku, excluded.title, excluded.quantity, excluded.unit_price, excluded.discount,
    excluded.currency_code, excluded.country_code, excluded.channel, excluded.is_cancellation, excluded.line_kind
);

-- name: merge_products
insert into raw_files.products as kept (
    feed, id, sku, title, category, brand, price, currency_code, inventory, status, updated_at, load_id
)
select
    %(feed)s, id, sku, title, category, brand, price, currency_code, inventory, status, updated_at, %(load_id)s
from pg_temp.stage
on conflict (feed, id) do update set
    sku = excluded.sku,
    title = excluded.title,
    category = excluded.category,
    brand = excluded.brand,
    price = excluded.price,
    currency_code = excluded.currency_code,
    inventory = excluded.inventory,
    status = excluded.status,
    updated_at = excluded.updated_at,
    load_id = excluded.load_id
where
    (kept.updated_at is null or excluded.updated_at is null or excluded.updated_at >= kept.updated_at)
    and (
        kept.sku, kept.title, kept.category, kept.brand, kept.price, kept.currency_code, kept.inventory, kept.status,
        kept.updated_at
    ) is distinct from (
        excluded.sku, excluded.title, excluded.category, excluded.brand, excluded.price, excluded.currency_code,
        excluded.inventory, excluded.status, excluded.updated_at
    );

-- name: merge_loyalty
insert into raw_files.loyalty as kept (
    feed, id, email, tier, points, points_expiring, expire_on, tier_since, updated_at, load_id
)
select
    %(feed)s, id, email, tier, points, points_expiring, expire_on, tier_since, updated_at, %(load_id)s
from pg_temp.stage
on conflict (feed, id) do update set
    email = excluded.email,
    tier = excluded.tier,
    points = excluded.points,
    points_expiring = excluded.points_expiring,
    expire_on = excluded.expire_on,
    tier_since = excluded.tier_since,
    updated_at = excluded.updated_at,
    load_id = excluded.load_id
where
    (kept.updated_at is null or excluded.updated_at is null or excluded.updated_at >= kept.updated_at)
    and (
        kept.email, kept.tier, kept.points, kept.points_expiring, kept.expire_on, kept.tier_since, kept.updated_at
    ) is distinct from (
        excluded.email, excluded.tier, excluded.points, excluded.points_expiring, excluded.expire_on,
        excluded.tier_since, excluded.updated_at
    );
