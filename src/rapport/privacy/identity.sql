-- name: links
delete from identity.edges
where profile_key_a = any(%(keys)s) or profile_key_b = any(%(keys)s);

-- name: reviews
delete from identity.match_reviews
where profile_key_a = any(%(keys)s) or profile_key_b = any(%(keys)s);

-- name: decisions
delete from identity.decisions
where profile_key_a = any(%(keys)s) or profile_key_b = any(%(keys)s);

-- name: fingerprints
delete from identity.profile_states
where profile_key = any(%(keys)s);

-- name: changes_emptied
-- That ids were made and merged stays; of which records does not.
update identity.changes
set
    profile_key = null,
    evidence = '{}'
where
    profile_key = any(%(keys)s)
    or exists (
        select 1
        from unnest(%(keys)s::text[]) as known (profile_key)
        where strpos(changes.evidence::text, to_jsonb(known.profile_key)::text) > 0
    );

-- name: founders_forgotten
update identity.customer_ids
set founded_by = 'erased:' || customer_id
where founded_by = any(%(keys)s);

-- name: scores
with gone as (
    select members.customer_id
    from identity.members as members
    group by members.customer_id
    having bool_and(members.profile_key = any(%(keys)s))
),

values_gone as (
    delete from scores.lifetime where customer_id in (select gone.customer_id from gone)
),

churn_gone as (
    delete from scores.churn where customer_id in (select gone.customer_id from gone)
),

hours_gone as (
    delete from scores.send_time where customer_id in (select gone.customer_id from gone)
)

delete from scores.recommendations
where customer_id in (select gone.customer_id from gone);

-- name: memberships
delete from identity.members
where profile_key = any(%(keys)s);
