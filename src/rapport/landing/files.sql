-- name: known
select file.load_id
from landing.file
where file.feed = %(feed)s and file.relation = %(relation)s and file.sha256 = %(sha256)s;

-- name: remember
insert into landing.file (feed, relation, sha256, name, load_id)
values (%(feed)s, %(relation)s, %(sha256)s, %(name)s, %(load_id)s)
on conflict (feed, relation, sha256) do update set name = excluded.name, load_id = excluded.load_id;

-- name: hold_load
select pg_advisory_lock(hashtextextended('rapport.landing.load:' || %(load_id)s::text, 0));

-- name: close_abandoned
-- A running import holds the lock on its load; whoever can take it knows that the importer is gone.
update landing.load
set status = 'failed', finished_at = clock_timestamp(), error = 'ended without a word: its process was stopped or lost Postgres'
where
    source = 'files'
    and status = 'running'
    and load_id <> %(load_id)s
    and pg_try_advisory_xact_lock(hashtextextended('rapport.landing.load:' || load_id::text, 0));

-- name: one_at_a_time
select pg_advisory_xact_lock(hashtextextended('rapport.files:' || %(feed)s || ':' || %(relation)s, 0));

-- name: has_order_lines
select exists (select from raw_files.order_lines as kept where kept.feed = %(feed)s) as found;
