-- name: next_epoch
select nextval('ops.worker_epoch')::integer as epoch;

-- name: take_lock
select pg_try_advisory_lock(%(space)s, %(epoch)s) as taken;

-- name: session_facts
select
    pg_backend_pid() as backend_pid,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('fsync') as fsync,
    exists (
        select 1
        from pg_locks as held
        where
            held.locktype = 'advisory'
            and held.pid = pg_backend_pid()
            and held.classid = %(space)s
            and held.objid = %(epoch)s
            and held.objsubid = 2
            and held.granted
    ) as holds_lock;

-- name: bound_statements
select set_config('statement_timeout', %(milliseconds)s, false);

-- name: meet_database
-- Which database this is: written down when it is first met. A restore, a failover or a clone is another one.
with here as (
    select jsonb_build_object(
        'system', (select control.system_identifier::text from pg_control_system() as control),
        'timeline', substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        'database', (select pg_database.oid::text from pg_database where pg_database.datname = current_database())
    ) as identity
),

met as (
    insert into ops.control (name, value, changed_at)
    select
        'database_identity',
        here.identity,
        clock_timestamp()
    from here
    on conflict (name) do nothing
    returning control.value
)

select coalesce(
    (select met.value from met),
    (select control.value from ops.control as control where control.name = 'database_identity')
) = here.identity as same
from here;
