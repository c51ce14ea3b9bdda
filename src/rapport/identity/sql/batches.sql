-- name: copy_bonds
-- What holds profiles together: pairs likely enough, a person's word, the customer they share so far.
copy (
    select edges.profile_key_a, edges.profile_key_b
    from identity.edges
    inner join touched as a on edges.profile_key_a = a.profile_key
    inner join touched as b on edges.profile_key_b = b.profile_key
    where edges.probability >= %(accept)s
    union all
    select decisions.profile_key_a, decisions.profile_key_b
    from identity.decisions
    inner join touched as a on decisions.profile_key_a = a.profile_key
    inner join touched as b on decisions.profile_key_b = b.profile_key
    where decisions.is_same
    union all
    select first_key, profile_key
    from (
        select members.profile_key, min(members.profile_key) over (partition by members.customer_id) as first_key
        from identity.members
        inner join touched on members.profile_key = touched.profile_key
    ) as fellows
    where profile_key <> first_key
) to stdout (format csv, header);

-- name: stage_tangled
-- Touched profiles that somebody has to think about, in batches that have nothing to do with one another.
create temporary table tangled (profile_key text not null, batch integer not null) on commit drop;

-- name: copy_tangled
copy tangled (profile_key, batch) from stdin (format csv);

-- name: key_tangled
alter table tangled add primary key (batch, profile_key);

-- name: index_tangled
create unique index on tangled (profile_key);

-- name: tangle_loners
-- Those that stand alone now and did not, or are gone, or found a customer again that they founded before.
insert into tangled (profile_key, batch)
select
    touched.profile_key,
    %(batch)s + row_number() over (order by touched.profile_key) / %(batch_size)s
from touched
left join intermediate.int_profiles as profiles on touched.profile_key = profiles.profile_key
left join identity.members on touched.profile_key = members.profile_key
where
    not exists (select from tangled as others where others.profile_key = touched.profile_key)
    and case
        when members.profile_key is null
            then
                profiles.profile_key is not null
                and exists (select from identity.customer_ids as ids where ids.founded_by = touched.profile_key)
        else
            profiles.profile_key is null
            or (members.confidence, members.certain_key) is distinct from ('certain', members.profile_key)
    end;

-- name: analyze_tangled
analyze tangled;

-- name: count_tangled
select coalesce(max(batch) + 1, 0) as batches
from tangled;
