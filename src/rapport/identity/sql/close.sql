-- name: lock_members
-- Two resolutions at once would each found the same customers.
lock table identity.members in exclusive mode;

-- name: analyze_results
analyze identity.members, identity.edges, identity.customer_ids;

-- name: forget_states
delete from identity.profile_states as states
using changed
where changed.profile_key = states.profile_key and changed.is_gone;

-- name: keep_states
insert into identity.profile_states (profile_key, fingerprint)
select
    profile_key,
    fingerprint
from changed
where fingerprint is not null
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
    (select count(*) from (select from identity.members group by customer_id) as customers) as customers,
    (select count(*) from identity.match_reviews where status = 'open') as open_reviews;
