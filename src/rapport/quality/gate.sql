-- name: record_gate_run
insert into ops.gate_run (gate_run_id, suite, passed, checks_count, failures, docs_path, ran_at)
values (%(gate_run_id)s, %(suite)s, %(passed)s, %(checks_count)s, %(failures)s, %(docs_path)s, %(ran_at)s);

-- name: existing_columns
select columns.table_name, columns.column_name
from information_schema.columns
where columns.table_schema = %(schema)s;
