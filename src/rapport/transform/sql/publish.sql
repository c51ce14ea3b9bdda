-- name: one_at_a_time
select pg_advisory_xact_lock(hashtextextended('rapport.transform.publish', 0));

-- name: newest_build
select
    build_id,
    as_of,
    status
from ops.build
where detail ->> 'phase' = 'build'
order by started_at desc, build_id desc
limit 1;

-- name: publications
-- The newest first: what is published now, and what was before it.
select
    kind,
    build_id,
    as_of,
    version,
    relations
from ops.publish_log
order by published_at desc, publish_id desc
limit 2;

-- name: relations
select
    namespace.nspname as schema_name,
    relation.relname as relation
from pg_class as relation
inner join pg_namespace as namespace on relation.relnamespace = namespace.oid
where namespace.nspname = any(%(schemas)s) and relation.relkind in ('r', 'v', 'm')
order by schema_name, relation;

-- name: be_transformer
set local role transformer;

-- name: be_engine
set local role engine;

-- name: be_patient
select set_config('lock_timeout', %(milliseconds)s, true);

-- name: drop_former
drop schema if exists marts_former cascade;
drop schema if exists segments_former cascade;
drop schema if exists activation_former cascade;

-- name: swap
alter schema marts rename to marts_former;
alter schema marts_next rename to marts;
alter schema segments rename to segments_former;
alter schema segments_next rename to segments;
alter schema activation rename to activation_former;
alter schema activation_next rename to activation;
grant usage on schema marts, segments to bi_reader;

-- name: swap_back
alter schema marts rename to marts_undone;
alter schema marts_former rename to marts;
alter schema marts_undone rename to marts_former;
alter schema segments rename to segments_undone;
alter schema segments_former rename to segments;
alter schema segments_undone rename to segments_former;
alter schema activation rename to activation_undone;
alter schema activation_former rename to activation;
alter schema activation_undone rename to activation_former;

-- name: log_publication
insert into ops.publish_log (publish_id, kind, build_id, as_of, version, relations)
values (%(publish_id)s, %(kind)s, %(build_id)s, %(as_of)s, %(version)s, %(relations)s);
