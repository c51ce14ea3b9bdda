-- name: kept
select count(*) as rows from raw_web.events;

-- name: plain_table
create table plain_visits (like raw_web.events including all);

-- name: copy_out
copy raw_web.events to stdout;

-- name: copy_in
copy plain_visits from stdin;
