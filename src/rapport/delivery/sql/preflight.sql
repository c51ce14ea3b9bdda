-- name: database_clock
select clock_timestamp() as now;

-- name: record_run
insert into ops.preflight_run (preflight_run_id, ran_at, passed, settings_sha256, verdicts)
values (%(preflight_run_id)s, %(ran_at)s, %(passed)s, %(settings_sha256)s, %(verdicts)s);

-- name: last_run
select ran_at, passed, verdicts
from ops.preflight_run
where settings_sha256 = %(settings_sha256)s
order by ran_at desc, preflight_run_id desc
limit 1;
