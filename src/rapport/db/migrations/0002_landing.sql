-- What the loaders write beside the raw tables themselves. raw_<vendor> tables are created by dlt from each source's declared columns.
set local role loader;

create table landing.load (
    load_id uuid primary key,
    source text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status text not null check (status in ('running', 'loaded', 'failed')),
    rows_read bigint not null default 0,
    rows_landed bigint not null default 0,
    rows_quarantined bigint not null default 0,
    detail jsonb not null default '{}',
    error text
);
create index on landing.load (source, started_at desc);

create table landing.quarantine (
    load_id uuid not null references landing.load,
    source text not null,
    relation text not null,
    record_no bigint not null,
    reason text not null,
    record jsonb not null,
    quarantined_at timestamptz not null default clock_timestamp(),
    primary key (load_id, relation, record_no)
);
create index on landing.quarantine (source, relation, quarantined_at desc);

-- Grain: one row a feed and customer. A feed is one mapping file: where the exports come from.
create table raw_files.customers (
    feed text not null,
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
    updated_at timestamptz,
    load_id uuid not null references landing.load,
    primary key (feed, id)
);

-- Grain: one row a feed, order and line of that order; line_no counts within the order when the export has none.
create table raw_files.order_lines (
    feed text not null,
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
    discount numeric(18, 4) not null default 0,
    currency_code text not null,
    country_code text,
    channel text,
    is_cancellation boolean not null default false,
    line_kind text not null default 'product' check (line_kind in ('product', 'postage', 'fee', 'adjustment')),
    -- Refers to landing.load without a foreign key: checking it row by row costs as much as the insert itself.
    load_id uuid not null,
    primary key (feed, order_id, line_no)
);

create table raw_files.products (
    feed text not null,
    id text not null,
    sku text,
    title text,
    category text,
    brand text,
    price numeric(18, 4),
    currency_code text,
    inventory bigint,
    status text,
    updated_at timestamptz,
    load_id uuid not null references landing.load,
    primary key (feed, id)
);

-- A file is recognised by its bytes, so importing it again is answered at once.
create table landing.file (
    feed text not null,
    relation text not null,
    sha256 text not null,
    name text not null,
    load_id uuid not null references landing.load,
    primary key (feed, relation, sha256)
);
