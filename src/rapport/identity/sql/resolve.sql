-- name: lock_members
-- Two resolutions at once would each found the same customers.
lock table identity.members in exclusive mode;

-- name: read_profiles
select
    profile_key,
    created_at
from intermediate.int_profiles
order by profile_key;

-- name: read_edges
select
    profile_key_a,
    profile_key_b,
    rule
from intermediate.int_edges
order by profile_key_a, profile_key_b, rule;

-- name: read_members
select
    profile_key,
    customer_id
from identity.members;

-- name: read_customer_ids
select
    customer_id,
    founded_by,
    created_at,
    merged_into
from identity.customer_ids;

-- name: create_customer
-- An id that stood empty returns to its founder.
insert into identity.customer_ids (customer_id, founded_by, created_at)
values (%(customer_id)s, %(founded_by)s, %(as_of)s)
on conflict (customer_id) do nothing;

-- name: merge_customer
-- Ids that led to the loser lead to the survivor now, so that every old id is one step away.
update identity.customer_ids
set merged_into = %(survivor)s
where customer_id = %(loser)s or merged_into = %(loser)s;

-- name: delete_members
delete from identity.members
where profile_key = any(%(keys)s);

-- name: stage_members
create temporary table moved_members (profile_key text, customer_id text) on commit drop;

-- name: copy_members
copy moved_members (profile_key, customer_id) from stdin;

-- name: upsert_members
insert into identity.members (profile_key, customer_id, since_at)
select
    profile_key,
    customer_id,
    %(as_of)s
from moved_members
on conflict (profile_key) do update set customer_id = excluded.customer_id, since_at = excluded.since_at;

-- name: copy_changes
copy identity.changes (kind, customer_id, other_customer_id, profile_key, rule, evidence, changed_at) from stdin;
