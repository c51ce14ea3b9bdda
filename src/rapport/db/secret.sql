-- name: meet_secret
-- Which secret this database's recipients are known by: written down when it is first met.
with met as (
    insert into ops.control (name, value, changed_at)
    values ('recipient_secret', to_jsonb(%(key_id)s::text), clock_timestamp())
    on conflict (name) do nothing
    returning control.value
)

select coalesce(
    (select met.value from met),
    (select control.value from ops.control as control where control.name = 'recipient_secret')
) = to_jsonb(%(key_id)s::text) as same;
