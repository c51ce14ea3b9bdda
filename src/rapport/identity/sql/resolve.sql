-- name: lock_members
-- Two resolutions at once would each found the same customers.
lock table identity.members in exclusive mode;

-- name: count_profiles
select
    (select count(*) from profiles) as profiles,
    (select count(*) from identity.members) as members;

-- name: last_run
select rules_version
from identity.runs
order by run_id desc
limit 1;

-- name: newest_model
select
    rules_version,
    profiles,
    model
from identity.match_models
order by model_id desc
limit 1;

-- name: keep_model
insert into identity.match_models (rules_version, profiles, model, trained_at)
values (%(rules_version)s, %(profiles)s, %(model)s, %(as_of)s);

-- name: stage_people
create temporary table people (like intermediate.int_profiles) on commit drop;

-- name: fill_people
-- An address that nobody owns alone is nobody's mark.
insert into people (
    profile_key, match_first_name, match_last_name, birth_date, email, phone, address1, zip, city, loyalty_number
)
select
    profile_key,
    match_first_name,
    match_last_name,
    birth_date,
    case
        when
            split_part(email, '@', 1) = any(%(mailboxes)s)
            or split_part(email, '@', 2) = any(%(relay_domains)s)
            then null
        else email
    end,
    phone,
    address1,
    zip,
    city,
    loyalty_number
from intermediate.int_profiles;

-- name: copy_people
copy (
    select
        profile_key,
        match_first_name as first_name,
        match_last_name as last_name,
        birth_date,
        email,
        phone,
        address1 as address,
        zip,
        city,
        loyalty_number as number
    from people
) to stdout (format csv, header);

-- name: read_touched
select
    touched.profile_key,
    states.created_at,
    states.source_rank,
    states.email is not null as has_email,
    states.birth_date::text as birth_date,
    case when states.source = 'shopify' then states.email end as store_email
from touched
inner join intermediate.int_profiles as states on touched.profile_key = states.profile_key
order by touched.profile_key;

-- name: read_edges
select
    edges.profile_key_a,
    edges.profile_key_b,
    edges.rule,
    edges.is_certain,
    edges.probability
from identity.edges
inner join touched as a on edges.profile_key_a = a.profile_key
inner join touched as b on edges.profile_key_b = b.profile_key
order by edges.profile_key_a, edges.profile_key_b, edges.rule;

-- name: read_decisions
select
    decisions.profile_key_a,
    decisions.profile_key_b,
    decisions.is_same
from identity.decisions
inner join touched as a on decisions.profile_key_a = a.profile_key
inner join touched as b on decisions.profile_key_b = b.profile_key
order by decisions.profile_key_a, decisions.profile_key_b;

-- name: read_members
select
    members.profile_key,
    members.customer_id,
    members.confidence,
    members.certain_key
from identity.members
inner join touched on members.profile_key = touched.profile_key;

-- name: read_customer_ids
-- Those that the profiles have now, and those they once founded.
select
    ids.customer_id,
    ids.founded_by,
    ids.created_at,
    ids.merged_into,
    exists (
        select from identity.members
        where
            members.customer_id = ids.customer_id
            and not exists (select from touched where touched.profile_key = members.profile_key)
    ) as is_elsewhere
from identity.customer_ids as ids
where
    ids.founded_by in (select profile_key from touched)
    or ids.customer_id in (
        select members.customer_id
        from identity.members
        inner join touched on members.profile_key = touched.profile_key
    );
