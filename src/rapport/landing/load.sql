-- name: start_load
insert into landing.load (load_id, source, started_at, status)
values (%(load_id)s, %(source)s, %(at)s, 'running');

-- name: finish_load
update landing.load
set
    status = 'loaded',
    finished_at = clock_timestamp(),
    rows_read = %(rows_read)s,
    rows_landed = %(rows_landed)s,
    rows_quarantined = %(rows_quarantined)s,
    detail = %(detail)s
where load_id = %(load_id)s;

-- name: fail_load
update landing.load
set status = 'failed', finished_at = clock_timestamp(), error = %(error)s
where load_id = %(load_id)s and status = 'running';

-- name: close_abandoned
update landing.load
set status = 'failed', finished_at = clock_timestamp(), error = 'ended without a word: its process was stopped or lost Postgres'
where source = %(source)s and status = 'running';

-- name: quarantine
insert into landing.quarantine (load_id, source, relation, record_no, reason, record)
values (%(load_id)s, %(source)s, %(relation)s, %(record_no)s, %(reason)s, %(record)s)
on conflict (load_id, relation, record_no) do nothing;

-- name: try_lock
select pg_try_advisory_lock(hashtextextended('rapport.landing:' || %(source)s, 0)) as locked;

-- name: existing_tables
select tables.table_name
from information_schema.tables
where tables.table_schema = %(schema)s;
