-- Warehouses that were loaded before the store was asked for the pages and pictures of products: a build may come before
-- the next load, which would make the columns. Products get theirs when they next change.
set local role loader;
alter table if exists raw_shopify.products
    add column if not exists url text,
    add column if not exists image_url text;
