-- name: last_run
select rules_version
from identity.runs
order by run_id desc
limit 1;

-- name: newest_model
select
    rules_version,
    profiles,
    model,
    block_limit,
    left_out
from identity.match_models
order by model_id desc
limit 1;

-- name: keep_model
insert into identity.match_models (rules_version, profiles, model, block_limit, left_out, trained_at)
values (%(rules_version)s, %(profiles)s, %(model)s, %(block_limit)s, %(left_out)s, %(as_of)s);

-- name: copy_people
-- An address that nobody owns alone is nobody's mark.
copy (
    select
        profile_key,
        match_first_name as first_name,
        match_last_name as last_name,
        birth_date,
        case
            when
                split_part(email, '@', 1) = any(%(mailboxes)s)
                or split_part(email, '@', 2) = any(%(relay_domains)s)
                then null
            else email
        end as email,
        phone,
        address1 as address,
        zip,
        city,
        loyalty_number as number
    from intermediate.int_profiles
) to stdout (format csv, header);

-- name: stage_likely
create temporary table likely (
    profile_key_a text, profile_key_b text, probability real, evidence text
) on commit drop;

-- name: clear_likely
truncate likely;

-- name: copy_likely
copy likely (profile_key_a, profile_key_b, probability, evidence) from stdin (format csv);

-- name: keep_likely
insert into identity.edges (profile_key_a, profile_key_b, rule, is_certain, probability, evidence)
select
    least(profile_key_a, profile_key_b),
    greatest(profile_key_a, profile_key_b),
    'likeness',
    false,
    probability,
    evidence
from likely
on conflict (profile_key_a, profile_key_b, rule)
do update set probability = excluded.probability, evidence = excluded.evidence;
