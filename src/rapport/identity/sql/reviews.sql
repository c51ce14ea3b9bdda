-- name: open_reviews
select
    review_id,
    profile_key_a,
    profile_key_b,
    probability,
    evidence,
    opened_at
from identity.match_reviews
where status = 'open'
order by probability desc, review_id;

-- name: find_review
select
    profile_key_a,
    profile_key_b,
    status
from identity.match_reviews
where review_id = %(review_id)s;

-- name: settle_review
update identity.match_reviews
set
    status = %(status)s,
    decided_by = %(decided_by)s,
    decided_at = %(decided_at)s
where review_id = %(review_id)s;

-- name: decide
-- The newest word on a pair holds.
insert into identity.decisions (profile_key_a, profile_key_b, is_same, reason, decided_by, decided_at)
values (
    least(%(a)s, %(b)s), greatest(%(a)s, %(b)s), %(is_same)s, %(reason)s, %(decided_by)s, %(decided_at)s
)
on conflict (profile_key_a, profile_key_b) do update set
    is_same = excluded.is_same,
    reason = excluded.reason,
    decided_by = excluded.decided_by,
    decided_at = excluded.decided_at,
    applied_at = null;

-- name: find_change
select
    kind,
    profile_key,
    evidence
from identity.changes
where change_id = %(change_id)s;

-- name: current_id
select coalesce(merged_into, customer_id) as customer_id
from identity.customer_ids
where customer_id = %(customer_id)s;

-- name: older_ids
select customer_id
from identity.customer_ids
where merged_into = %(customer_id)s
order by created_at, customer_id;

-- name: profiles_of
select
    profile_key,
    confidence,
    certain_key,
    since_at
from identity.members
where customer_id = %(customer_id)s
order by confidence, certain_key, profile_key;

-- name: edges_of
select
    edges.profile_key_a,
    edges.profile_key_b,
    edges.rule,
    edges.probability,
    edges.evidence
from identity.edges
inner join identity.members as a on edges.profile_key_a = a.profile_key
inner join identity.members as b on edges.profile_key_b = b.profile_key
where a.customer_id = %(customer_id)s and b.customer_id = %(customer_id)s
order by edges.probability desc, edges.profile_key_a, edges.profile_key_b, edges.rule;

-- name: changes_of
select
    change_id,
    kind,
    customer_id,
    other_customer_id,
    profile_key,
    rule,
    changed_at
from identity.changes
where customer_id = %(customer_id)s or other_customer_id = %(customer_id)s
order by change_id;
