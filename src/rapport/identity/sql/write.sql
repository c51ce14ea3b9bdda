-- name: stage_customers
create temporary table new_customers (customer_id text, founded_by text) on commit drop;

-- name: copy_customers
copy new_customers (customer_id, founded_by) from stdin;

-- name: create_customers
-- An id that stood empty returns to its founder.
insert into identity.customer_ids (customer_id, founded_by, created_at)
select
    customer_id,
    founded_by,
    %(as_of)s
from new_customers
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
create temporary table moved_members (
    profile_key text, customer_id text, confidence text, certain_key text
) on commit drop;

-- name: copy_members
copy moved_members (profile_key, customer_id, confidence, certain_key) from stdin;

-- name: upsert_members
insert into identity.members (profile_key, customer_id, since_at, confidence, certain_key)
select
    profile_key,
    customer_id,
    %(as_of)s,
    confidence,
    certain_key
from moved_members
on conflict (profile_key) do update set
    customer_id = excluded.customer_id,
    since_at = case
        when members.customer_id = excluded.customer_id then members.since_at else excluded.since_at
    end,
    confidence = excluded.confidence,
    certain_key = excluded.certain_key;

-- name: copy_changes
copy identity.changes (kind, customer_id, other_customer_id, profile_key, rule, evidence, changed_at) from stdin;

-- name: forget_states
delete from identity.profile_states as states
where not exists (select from profiles where profiles.profile_key = states.profile_key);

-- name: keep_states
insert into identity.profile_states (profile_key, fingerprint)
select
    profile_key,
    fingerprint
from profiles
where not exists (
    select from identity.profile_states as states
    where states.profile_key = profiles.profile_key and states.fingerprint = profiles.fingerprint
)
on conflict (profile_key) do update set fingerprint = excluded.fingerprint;

-- name: apply_decisions
update identity.decisions
set applied_at = %(as_of)s
where applied_at is null;

-- name: note_run
insert into identity.runs (
    as_of, rules_version, profiles, changed_profiles, scored_pairs, clustered_profiles, note
)
values (
    %(as_of)s, %(rules_version)s, %(profiles)s, %(changed_profiles)s, %(scored_pairs)s, %(clustered_profiles)s,
    %(note)s
);

-- name: count_customers
select
    (select count(distinct customer_id) from identity.members) as customers,
    (select count(*) from identity.match_reviews where status = 'open') as open_reviews;
