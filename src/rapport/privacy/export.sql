-- `{rows}` is the condition of the table in rows.sql.

-- name: rows
select to_jsonb({row})::text as line
from {table}
where {rows};
