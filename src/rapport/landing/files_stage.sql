-- name: stage_customers
create temporary table stage (
    record_no bigint not null,
    id text not null,
    email text,
    phone text,
    first_name text,
    last_name text,
    full_name text,
    birth_date date,
    country_code text,
    city text,
    zip text,
    address1 text,
    locale text,
    time_zone text,
    email_consent boolean,
    email_consent_at timestamptz,
    loyalty_number text,
    social_handle text,
    created_at timestamptz,
    updated_at timestamptz
) on commit drop;

-- name: stage_order_lines
create temporary table stage (
    record_no bigint not null,
    order_id text not null,
    line_no integer not null,
    customer_id text,
    email text,
    phone text,
    ordered_at timestamptz not null,
    cancelled_at timestamptz,
    product_id text,
    sku text,
    title text,
    quantity numeric(18, 4) not null,
    unit_price numeric(18, 4) not null,
    discount numeric(18, 4) not null,
    currency_code text not null,
    country_code text,
    channel text,
    is_cancellation boolean not null,
    line_kind text not null
) on commit drop;

-- name: stage_products
create temporary table stage (
    record_no bigint not null,
    id text not null,
    sku text,
    title text,
    category text,
    brand text,
    price numeric(18, 4),
    currency_code text,
    inventory bigint,
    status text,
    updated_at timestamptz
) on commit drop;

-- name: stage_loyalty
create temporary table stage (
    record_no bigint not null,
    id text not null,
    email text,
    tier text,
    points bigint,
    points_expiring bigint,
    expire_on date,
    tier_since timestamptz,
    updated_at timestamptz
) on commit drop;

-- name: copy
copy pg_temp.stage from stdin (format csv);

-- name: copy_order_lines
copy raw_files.order_lines (
    order_id, line_no, customer_id, email, phone, ordered_at, cancelled_at, product_id, sku, title, quantity,
    unit_price, discount, currency_code, country_code, channel, is_cancellation, line_kind, feed, load_id
) from stdin (format csv);

-- name: supersede_customers
delete from pg_temp.stage
using (
    select
        record_no,
        row_number() over (partition by id order by record_no desc) as place
    from pg_temp.stage
) as ranked
where ranked.record_no = stage.record_no and ranked.place > 1;

-- name: supersede_products
delete from pg_temp.stage
using (
    select
        record_no,
        row_number() over (partition by id order by record_no desc) as place
    from pg_temp.stage
) as ranked
where ranked.record_no = stage.record_no and ranked.place > 1;

-- name: supersede_loyalty
delete from pg_temp.stage
using (
    select
        record_no,
        row_number() over (partition by id order by record_no desc) as place
    from pg_temp.stage
) as ranked
where ranked.record_no = stage.record_no and ranked.place > 1;

-- name: supersede_order_lines
delete from pg_temp.stage
using (
    select
        record_no,
        row_number() over (partition by order_id, line_no order by record_no desc) as place
    from pg_temp.stage
) as ranked
where ranked.record_no = stage.record_no and ranked.place > 1;

-- name: clear
truncate pg_temp.stage;
