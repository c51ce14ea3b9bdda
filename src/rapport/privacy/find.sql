-- name: profiles
-- Profiles with the address, and those that are certainly the same person's. A guest's key is the address itself.
with named as (
    select profile_key
    from intermediate.int_profiles
    where email = %(email)s
    union
    select profile_key
    from identity.members
    where profile_key = 'guest:' || %(email)s
),

owners as (
    select distinct
        members.customer_id,
        members.certain_key
    from identity.members as members
    inner join named on members.profile_key = named.profile_key
),

certain as (
    select profile_key from named
    union
    select members.profile_key
    from identity.members as members
    inner join owners on members.customer_id = owners.customer_id and members.certain_key = owners.certain_key
)

select
    coalesce((select array_agg(certain.profile_key order by certain.profile_key) from certain), '{}') as keys,
    (select count(distinct owners.customer_id) from owners) as customers,
    (
        select count(*)
        from identity.members as members
        where
            members.customer_id in (select owners.customer_id from owners)
            and members.profile_key not in (select certain.profile_key from certain)
    ) as probable;
