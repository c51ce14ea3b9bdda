-- DuckDB, in memory. `people` holds one row a profile, numbered in the order of their keys.

-- name: tidy
-- For comparing: no case, accents, punctuation or blanks.
create table people as
select
    given.* replace (
        nullif(regexp_replace(strip_accents(lower(first_name)), '[^\p{L}\p{N}]', '', 'g'), '') as first_name,
        nullif(regexp_replace(strip_accents(lower(last_name)), '[^\p{L}\p{N}]', '', 'g'), '') as last_name,
        nullif(regexp_replace(strip_accents(lower(address)), '[^\p{L}\p{N}]', '', 'g'), '') as address,
        nullif(regexp_replace(strip_accents(lower(zip)), '[^\p{L}\p{N}]', '', 'g'), '') as zip,
        nullif(regexp_replace(strip_accents(lower(city)), '[^\p{L}\p{N}]', '', 'g'), '') as city,
        nullif(lower(trim(email)), '') as email,
        nullif(trim(birth_date), '') as birth_date,
        nullif(trim(phone), '') as phone,
        nullif(lower(trim(number)), '') as number
    ),
    -- A plus-tag is the owner's own.
    nullif(regexp_extract(lower(trim(given.email)), '^[^@+]+'), '') as mailbox
from given;

-- name: orient
-- People type their names into the wrong fields. Of the two orders the one that the shop's other records speak for
-- holds, else the alphabet's: the same two names always end in the same order.
create or replace table people as
with
first_names as (select first_name as name, count(*) as n from people group by 1),
last_names as (select last_name as name, count(*) as n from people group by 1),
counted as (
    select
        people.*,
        (coalesce(first_as_first.n, 0) + 0.5) * (coalesce(last_as_last.n, 0) + 0.5) as as_given,
        (coalesce(last_as_first.n, 0) + 0.5) * (coalesce(first_as_last.n, 0) + 0.5) as as_turned,
        as_given < as_turned or (as_given = as_turned and first_name > last_name) as is_turned
    from people
    left join first_names as first_as_first on people.first_name = first_as_first.name
    left join last_names as last_as_last on people.last_name = last_as_last.name
    left join first_names as last_as_first on people.last_name = last_as_first.name
    left join last_names as first_as_last on people.first_name = first_as_last.name
)
select
    row_number() over (order by profile_key)::integer as row_id,
    * exclude (as_given, as_turned, is_turned)
    replace (
        case when is_turned then last_name else first_name end as first_name,
        case when is_turned then first_name else last_name end as last_name
    )
from counted
order by profile_key;

-- name: sample
create table sample as
select * from people
order by hash(profile_key), profile_key
limit $size;

-- name: scored_pairs
-- Without the pairs whose agreement a veto speaks against, which are not among the patterns.
select
    l.profile_key as profile_key_a,
    r.profile_key as profile_key_b,
    scored.match_probability::float as probability,
    patterns.evidence
from scored
natural join patterns
inner join people as l on scored.row_id_l = l.row_id
inner join people as r on scored.row_id_r = r.row_id;
