-- name: copy_newcomers
-- Nothing ties them to anybody.
copy (
    select touched.profile_key
    from touched
    inner join intermediate.int_profiles as profiles on touched.profile_key = profiles.profile_key
    where
        not exists (select from tangled where tangled.profile_key = touched.profile_key)
        and not exists (select from identity.members where members.profile_key = touched.profile_key)
) to stdout (format csv, header);

-- name: read_profiles
select
    tangled.profile_key,
    profiles.created_at,
    profiles.source_rank,
    profiles.email is not null as has_email,
    profiles.birth_date::text as birth_date,
    case when profiles.source = 'shopify' then profiles.email end as store_email
from tangled
inner join intermediate.int_profiles as profiles on tangled.profile_key = profiles.profile_key
where tangled.batch = %(batch)s
order by tangled.profile_key;

-- name: read_edges
select
    edges.profile_key_a,
    edges.profile_key_b,
    edges.rule,
    edges.is_certain,
    edges.probability
from identity.edges
inner join tangled as a on edges.profile_key_a = a.profile_key
inner join tangled as b on edges.profile_key_b = b.profile_key
where a.batch = %(batch)s and b.batch = %(batch)s
order by edges.profile_key_a, edges.profile_key_b, edges.rule;

-- name: read_decisions
select
    decisions.profile_key_a,
    decisions.profile_key_b,
    decisions.is_same
from identity.decisions
inner join tangled as a on decisions.profile_key_a = a.profile_key
inner join tangled as b on decisions.profile_key_b = b.profile_key
where a.batch = %(batch)s and b.batch = %(batch)s
order by decisions.profile_key_a, decisions.profile_key_b;

-- name: read_members
select
    members.profile_key,
    members.customer_id,
    members.confidence,
    members.certain_key
from identity.members
inner join tangled on members.profile_key = tangled.profile_key
where tangled.batch = %(batch)s;

-- name: read_customer_ids
-- Those that the profiles have now, and those they once founded.
with mine as (
    select profile_key from tangled
    where batch = %(batch)s
),

theirs as (
    select members.customer_id
    from identity.members
    inner join mine on members.profile_key = mine.profile_key
    union
    select ids.customer_id
    from identity.customer_ids as ids
    inner join mine on ids.founded_by = mine.profile_key
)

select
    ids.customer_id,
    ids.founded_by,
    ids.created_at,
    ids.merged_into,
    exists (
        select from identity.members
        where
            members.customer_id = ids.customer_id
            and not exists (select from mine where mine.profile_key = members.profile_key)
    ) as is_elsewhere
from identity.customer_ids as ids
inner join theirs on ids.customer_id = theirs.customer_id;
