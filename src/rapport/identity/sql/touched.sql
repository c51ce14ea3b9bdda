-- name: stage_exact
create temporary table exact (
    profile_key_a text, profile_key_b text, rule text, is_certain boolean
) on commit drop;

-- name: fill_exact
-- The edges that count under the rules in force.
insert into exact (profile_key_a, profile_key_b, rule, is_certain)
select
    edges.profile_key_a,
    edges.profile_key_b,
    edges.rule,
    rules.confidence = 'certain' as is_certain
from intermediate.int_edges as edges
inner join jsonb_to_recordset(%(rules)s) as rules (rule text, fan_out_limit integer, confidence text)
    on edges.rule = rules.rule and edges.fan_out <= rules.fan_out_limit
where
    not starts_with(edges.rule, 'same_email')
    or not (
        split_part(edges.value, '@', 1) = any(%(mailboxes)s)
        or split_part(edges.value, '@', 2) = any(%(relay_domains)s)
    );

-- name: analyze_exact
analyze exact;

-- name: stage_touched
create temporary table touched (profile_key text primary key, step integer not null) on commit drop;

-- name: touch
insert into touched (profile_key, step)
select profile_key, 0
from changed;

-- name: touch_decided
insert into touched (profile_key, step)
select distinct ends.profile_key, 0
from identity.decisions
cross join lateral (values (profile_key_a), (profile_key_b)) as ends (profile_key)
where applied_at is null
on conflict do nothing;

-- name: touch_changed_edges
with gone as (
    delete from identity.edges as old
    where
        old.rule <> 'likeness'
        and not exists (
            select from exact
            where (exact.profile_key_a, exact.profile_key_b, exact.rule, exact.is_certain)
                = (old.profile_key_a, old.profile_key_b, old.rule, old.is_certain)
        )
    returning old.profile_key_a, old.profile_key_b
),

come as (
    insert into identity.edges (profile_key_a, profile_key_b, rule, is_certain, probability)
    select profile_key_a, profile_key_b, rule, is_certain, 1
    from exact
    where not exists (
        select from identity.edges as old
        where (exact.profile_key_a, exact.profile_key_b, exact.rule, exact.is_certain)
            = (old.profile_key_a, old.profile_key_b, old.rule, old.is_certain)
    )
    on conflict (profile_key_a, profile_key_b, rule) do update set is_certain = excluded.is_certain
    returning profile_key_a, profile_key_b
)

insert into touched (profile_key, step)
select distinct ends.profile_key, 0
from (select * from gone union all select * from come) as moved
cross join lateral (values (profile_key_a), (profile_key_b)) as ends (profile_key)
on conflict do nothing;

-- name: forget_likeness
-- Of the changed profiles; whoever stood on the other end is worked on too.
with gone as (
    delete from identity.edges
    where
        rule = 'likeness'
        and (
            exists (select from changed where changed.profile_key = edges.profile_key_a)
            or exists (select from changed where changed.profile_key = edges.profile_key_b)
        )
    returning profile_key_a, profile_key_b
)

insert into touched (profile_key, step)
select distinct ends.profile_key, 0
from gone
cross join lateral (values (profile_key_a), (profile_key_b)) as ends (profile_key)
on conflict do nothing;

-- name: touch_neighbours
-- Everybody who hangs together with those of the last step.
insert into touched (profile_key, step)
select distinct beside.profile_key, %(step)s
from touched
cross join lateral (
    select profile_key_b from identity.edges
    where profile_key_a = touched.profile_key and probability >= %(accept)s
    union all
    select profile_key_a from identity.edges
    where profile_key_b = touched.profile_key and probability >= %(accept)s
    union all
    select profile_key_b from identity.decisions
    where profile_key_a = touched.profile_key and is_same
    union all
    select profile_key_a from identity.decisions
    where profile_key_b = touched.profile_key and is_same
    union all
    select fellows.profile_key from identity.members as own
    inner join identity.members as fellows on own.customer_id = fellows.customer_id
    where own.profile_key = touched.profile_key
) as beside (profile_key)
where touched.step = %(step)s - 1
on conflict do nothing;

-- name: analyze_touched
analyze touched;

-- name: count_touched
-- Those of today.
select count(*) as touched
from touched
inner join intermediate.int_profiles as profiles on touched.profile_key = profiles.profile_key;
