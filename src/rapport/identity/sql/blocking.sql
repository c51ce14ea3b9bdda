-- DuckDB, in memory. `hashed` holds one row a profile and its key in each block; keys of two blocks are never the same.

-- name: keys
create table keys as
unpivot (select row_id, columns('^block_') from hashed)
on columns(* exclude (row_id))
into name block value block_key;

-- name: keys_of_changed
-- Only what a changed profile shares with anybody.
create table keys as
with
every as (
    unpivot (select row_id, is_changed, columns('^block_') from hashed)
    on columns(* exclude (row_id, is_changed))
    into name block value block_key
)
select row_id, block, block_key
from every
semi join (select block_key from every where is_changed) as theirs on every.block_key = theirs.block_key;

-- name: sizes
create table sizes as
select block_key, count(*) as profiles
from keys
group by block_key
having count(*) > 1;

-- name: limit
-- Smaller blocks go first: the limit stands just below those with which there would be too many pairs.
select coalesce(min(profiles) - 1, $block_limit)
from (
    select profiles, sum(count(*) * profiles * (profiles - 1) / 2) over (order by profiles) as pairs
    from sizes
    where profiles <= $block_limit
    group by profiles
)
where pairs > $max_pairs;

-- name: left_out
select block[7:] as block, count(distinct keys.block_key) as values, count(*) as profiles
from keys
semi join (select block_key from sizes where profiles > $limit) as common on keys.block_key = common.block_key
group by block
order by block;

-- name: blocks
create table blocks as
select keys.row_id, keys.block_key, hashed.is_changed
from keys
inner join sizes on keys.block_key = sizes.block_key and sizes.profiles <= $limit
inner join hashed on keys.row_id = hashed.row_id;

-- name: pair_count
select coalesce(sum(profiles * (profiles - 1) / 2), 0)::bigint
from sizes
where profiles <= $limit;

-- name: pairs
-- A share of all pairs, in the form that Splink takes.
create or replace table pairs as
select distinct '0' as match_key, l.row_id as join_key_l, r.row_id as join_key_r
from blocks as l
inner join blocks as r on l.block_key = r.block_key and l.row_id < r.row_id
where l.row_id % $parts = $part and (l.is_changed or r.is_changed);

-- name: together
create or replace table together as
select people.row_id, groups.group_number
from people
inner join groups on people.profile_key = groups.profile_key;

-- name: group_pair_count
select coalesce(sum(n * (n - 1) / 2), 0)::bigint
from (select count(*) as n from together group by group_number);

-- name: pairs_within
create or replace table pairs as
select '0' as match_key, l.row_id as join_key_l, r.row_id as join_key_r
from together as l
inner join together as r on l.group_number = r.group_number and l.row_id < r.row_id
where l.row_id % $parts = $part;

-- name: lessons
-- Keys to learn from: shared by few, and taken by chance until their pairs are as many as there may be.
create table lessons as
with
every as (
    unpivot (select row_id, columns('^lesson_') from pupils)
    on columns(* exclude (row_id))
    into name lesson value lesson_key
),
sizes as (
    select lesson, lesson_key, count(*) as profiles
    from every
    group by lesson, lesson_key
    having count(*) between 2 and $limit
)
select lesson, lesson_key
from sizes
qualify sum(profiles * (profiles - 1) / 2) over (partition by lesson order by hash(lesson_key), lesson_key) <= $pairs;

-- name: lesson_keys
create view lesson_keys as select lesson_key from lessons;
