-- What scoring publishes. The transformer owns it as it owns the other derived layers; dbt reads the tables as a source.
-- Customers stand here under their id alone, so BI may read all of it.
create schema scores authorization transformer;
grant usage on schema scores to engine, bi_reader;
alter default privileges for role transformer in schema scores grant select on tables to engine, bi_reader;

set local role transformer;

-- Grain: one row a run and score, published or not: the figure on data not fitted to, beside that of the naive rule.
create table scores.quality (
    run_id uuid not null,
    score text not null,
    figure text not null,
    value double precision,
    baseline text not null,
    baseline_value double precision,
    higher_is_better boolean not null,
    rows_count bigint not null,
    model text not null,
    published boolean not null,
    remark text not null,
    as_of timestamptz not null,
    primary key (run_id, score)
);
create index on scores.quality (score, as_of desc);

-- Grain: one row a customer with an order. Values are in currency_code, the currency of most of the customer's orders.
create table scores.lifetime (
    customer_id text primary key,
    currency_code text,
    p_alive double precision not null check (p_alive between 0 and 1),
    expected_orders_90d double precision not null check (expected_orders_90d >= 0),
    expected_orders_365d double precision not null check (expected_orders_365d >= expected_orders_90d),
    expected_value_90d numeric(18, 4) not null,
    expected_value_365d numeric(18, 4) not null,
    model text not null,
    as_of timestamptz not null
);

-- Grain: one row a customer with an order. next_order_days is the mean wait of those who order within 365 days.
create table scores.churn (
    customer_id text primary key,
    order_probability_30d double precision not null check (order_probability_30d between 0 and 1),
    churn_probability_90d double precision not null check (churn_probability_90d between 0 and 1),
    next_order_days double precision,
    model text not null,
    as_of timestamptz not null
);

-- Grain: one row a customer. Hours are those of the customer's own day; explore_send_hour is set for the few who are
-- to get another hour than their best one, so that learning does not stop at what is known.
create table scores.send_time (
    customer_id text primary key,
    best_send_hour smallint not null check (best_send_hour between 0 and 23),
    send_hour_confidence double precision not null check (send_hour_confidence between 0 and 1),
    explore_send_hour smallint check (explore_send_hour between 0 and 23),
    model text not null,
    as_of timestamptz not null
);

-- Grain: one row a customer and rank, best first.
create table scores.recommendations (
    customer_id text not null,
    rank smallint not null check (rank >= 1),
    product_id text not null,
    score double precision not null,
    because_product_id text not null,
    model text not null,
    as_of timestamptz not null,
    primary key (customer_id, rank),
    unique (customer_id, product_id)
);

-- Grain: one row a product and rank of companion.
create table scores.product_pairs (
    product_id text not null,
    rank smallint not null check (rank >= 1),
    companion_id text not null check (companion_id <> product_id),
    orders_count bigint not null,
    support double precision not null,
    confidence double precision not null,
    confidence_low double precision not null,
    lift double precision not null,
    model text not null,
    as_of timestamptz not null,
    primary key (product_id, rank)
);

-- Grain: one row a day and category; category is null for the whole shop. Only sales in currency_code.
create table scores.sales_forecast (
    day date not null,
    category text,
    currency_code text not null,
    expected_revenue numeric(18, 4) not null,
    low_80 numeric(18, 4) not null,
    high_80 numeric(18, 4) not null,
    model text not null,
    as_of timestamptz not null,
    unique nulls not distinct (day, category),
    check (low_80 <= high_80)
);

-- Grain: one row a customer with any score. Each score keeps the moment and model of its last published run.
create view scores.customer_scores as
select
    customer_id,
    lifetime.currency_code,
    lifetime.p_alive,
    lifetime.expected_orders_90d,
    lifetime.expected_orders_365d,
    lifetime.expected_value_90d,
    lifetime.expected_value_365d,
    churn.order_probability_30d,
    churn.churn_probability_90d,
    churn.next_order_days,
    send_time.best_send_hour,
    send_time.send_hour_confidence,
    send_time.explore_send_hour,
    lifetime.model as lifetime_model,
    churn.model as churn_model,
    send_time.model as send_time_model,
    lifetime.as_of as lifetime_as_of,
    churn.as_of as churn_as_of,
    send_time.as_of as send_time_as_of,
    greatest(lifetime.as_of, churn.as_of, send_time.as_of) as as_of
from scores.lifetime
full join scores.churn using (customer_id)
full join scores.send_time using (customer_id);
