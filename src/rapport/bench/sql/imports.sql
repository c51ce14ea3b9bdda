-- name: plain_table
-- The file's own columns in the types that the import gives them; no key, no checks, one transaction as the import has.
create table raw_files.bench_copy (
    invoice text,
    stock_code text,
    description text,
    quantity numeric(18, 4),
    invoice_date timestamp,
    price numeric(18, 4),
    customer_id text,
    country text
);

-- name: plain_copy
copy raw_files.bench_copy from stdin (format csv, header true);

-- name: landed
select count(*) as rows from raw_files.order_lines;
