-- name: plan
-- A million keys are hashed at once: one hash takes twice work_mem. Postgres cannot know that of all profiles few differ,
-- and would leave the comparison to one core.
select
    set_config('work_mem', '96MB', true),
    set_config('parallel_tuple_cost', '0.001', true);

-- name: count_profiles
select
    (select count(*) from intermediate.int_profiles) as profiles,
    (select count(*) from identity.members) as members;

-- name: stage_changed
-- What matters for who a profile is; other columns may change without any work here. Gone ones have no fingerprint.
create temporary table changed on commit drop as
with profiles as (
    select
        profile_key,
        md5(row(
            match_first_name, match_last_name, birth_date, email, phone, address1, zip, city, loyalty_number, store_id,
            source_rank, created_at
        )::text) as fingerprint
    from intermediate.int_profiles
)

select
    coalesce(profiles.profile_key, states.profile_key) as profile_key,
    profiles.fingerprint,
    profiles.profile_key is null as is_gone
from profiles
full join identity.profile_states as states on profiles.profile_key = states.profile_key
where profiles.fingerprint is distinct from states.fingerprint;

-- name: key_changed
alter table changed add primary key (profile_key);

-- name: analyze_changed
analyze changed;

-- name: count_changed
select
    count(*) as changed,
    count(*) filter (where is_gone) as gone
from changed;

-- name: take_all
-- Those that did not change are looked at again.
insert into changed (profile_key, is_gone)
select
    profile_key,
    false
from intermediate.int_profiles
on conflict do nothing;

-- name: copy_changed
copy (select profile_key from changed where not is_gone) to stdout (format csv, header);
