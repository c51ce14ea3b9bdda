-- name: profiles
-- Profiles with the address or of the customer, and those that are certainly the same person's. A guest's key is the
-- address itself. Of a customer it is the part that mails may speak of.
with named as (
    select profile_key
    from intermediate.int_profiles
    where email = %(email)s
    union
    select profile_key
    from identity.members
    where profile_key = 'guest:' || %(email)s
    union
    select members.profile_key
    from identity.members as members
    left join identity.customer_ids as former on former.customer_id = %(customer_id)s
    where members.customer_id = coalesce(former.merged_into, %(customer_id)s) and members.confidence = 'certain'
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

-- name: identifiers
-- What the tables know the person by. What somebody else has too says nothing: an address that a profile of theirs has,
-- an account's number (which stands last in the key) that is theirs with the same right; the store's own goes before an
-- export's. A customer counts as the person's when all its profiles are.
with accounts as (
    select
        members.profile_key = any(%(keys)s) as is_own,
        regexp_replace(members.profile_key, '^.*[:/]', '') as account_number,
        starts_with(members.profile_key, 'shopify:') as is_stores
    from identity.members as members
    where members.profile_key ~ '^(shopify|files):'
)

select
    array(
        select distinct profiles.email
        from intermediate.int_profiles as profiles
        where
            profiles.profile_key = any(%(keys)s)
            and profiles.email is not null
            and not exists (
                select 1
                from intermediate.int_profiles as others
                where others.email = profiles.email and others.profile_key <> all(%(keys)s)
            )
        order by profiles.email
    ) as emails,
    array(
        select members.customer_id
        from identity.members as members
        group by members.customer_id
        having bool_and(members.profile_key = any(%(keys)s))
    ) as customer_ids,
    array(
        select distinct profiles.loyalty_number
        from intermediate.int_profiles as profiles
        where
            profiles.profile_key = any(%(keys)s)
            and profiles.loyalty_number is not null
            and not exists (
                select 1
                from intermediate.int_profiles as others
                where others.loyalty_number = profiles.loyalty_number and others.profile_key <> all(%(keys)s)
            )
    ) as loyalty_numbers,
    array(
        select distinct own.account_number
        from accounts as own
        where
            own.is_own
            and not exists (
                select 1
                from accounts as others
                where
                    not others.is_own
                    and others.account_number = own.account_number
                    and others.is_stores >= own.is_stores
            )
    ) as accounts;

-- name: exists
select to_regclass(%(table)s) is not null as is_there;
