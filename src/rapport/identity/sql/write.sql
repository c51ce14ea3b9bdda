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

-- name: stage_questions
create temporary table questions (
    profile_key_a text, profile_key_b text, probability real, evidence text
) on commit drop;

-- name: find_questions
-- Likely pairs of two customers on whom nobody has decided: of two customers the likeliest pair.
insert into questions (profile_key_a, profile_key_b, probability, evidence)
select distinct on (least(a.customer_id, b.customer_id), greatest(a.customer_id, b.customer_id))
    edges.profile_key_a,
    edges.profile_key_b,
    edges.probability,
    edges.evidence
from identity.edges
inner join identity.members as a on edges.profile_key_a = a.profile_key
inner join identity.members as b on edges.profile_key_b = b.profile_key
where
    edges.rule = 'likeness'
    and edges.probability >= %(review)s
    and a.customer_id <> b.customer_id
    and (
        edges.profile_key_a in (select profile_key from touched)
        or edges.profile_key_b in (select profile_key from touched)
    )
    and not exists (
        select from identity.decisions
        inner join identity.members as x on decisions.profile_key_a = x.profile_key
        inner join identity.members as y on decisions.profile_key_b = y.profile_key
        where (x.customer_id, y.customer_id)
            in ((a.customer_id, b.customer_id), (b.customer_id, a.customer_id))
    )
order by
    least(a.customer_id, b.customer_id) asc,
    greatest(a.customer_id, b.customer_id) asc,
    edges.probability desc,
    edges.profile_key_a asc,
    edges.profile_key_b asc;

-- name: close_questions
delete from identity.match_reviews as reviews
where
    reviews.status = 'open'
    and (
        reviews.profile_key_a in (select profile_key from touched)
        or reviews.profile_key_b in (select profile_key from touched)
    )
    and not exists (
        select from questions
        where (questions.profile_key_a, questions.profile_key_b) = (reviews.profile_key_a, reviews.profile_key_b)
    );

-- name: open_questions
insert into identity.match_reviews (profile_key_a, profile_key_b, probability, evidence, opened_at)
select
    profile_key_a,
    profile_key_b,
    probability,
    evidence,
    %(as_of)s
from questions
on conflict (profile_key_a, profile_key_b) do update set
    probability = excluded.probability,
    evidence = excluded.evidence
where match_reviews.status = 'open';

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
