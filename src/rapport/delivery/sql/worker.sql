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
