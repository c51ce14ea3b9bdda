-- name: lock_builds
select pg_try_advisory_lock(hashtextextended('rapport.transform.build', 0)) as locked;

-- name: abandon_builds
-- The lock is ours, so whoever left these behind is gone.
update ops.build
set
    status = 'failed',
    finished_at = clock_timestamp(),
    detail = detail || '{"error": "the process that ran it ended"}'
where status = 'running';

-- name: passed_with_version
-- A build of this version passed, and none of another one has touched the tables since.
select from ops.build as passed
where
    passed.status = 'passed'
    and passed.detail ->> 'phase' = %(phase)s
    and passed.detail ->> 'project_version' = %(project_version)s
    and not exists (
        select from ops.build as other
        where
            other.detail ->> 'phase' = %(phase)s
            and other.detail ->> 'project_version' is distinct from %(project_version)s
            and other.started_at >= passed.started_at
    )
limit 1;

-- name: start_build
insert into ops.build (build_id, as_of, status, started_at, detail)
values (%(build_id)s, %(as_of)s, 'running', %(started_at)s, %(detail)s);

-- name: finish_build
update ops.build
set
    status = %(status)s,
    finished_at = %(finished_at)s,
    detail = detail || %(detail)s
where build_id = %(build_id)s;

-- name: write_node
insert into ops.build_node (build_id, node, status, seconds, rows_affected, message)
values (%(build_id)s, %(node)s, %(status)s, %(seconds)s, %(rows)s, %(message)s)
on conflict (build_id, node) do nothing;
