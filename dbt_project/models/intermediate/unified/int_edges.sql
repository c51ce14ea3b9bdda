-- Grain: one row a pair of profiles and the rule that says they are one person; profile_key_a < profile_key_b.
-- Rules are exact; which of them count, and up to which fan_out, says src/rapport/identity/rules.yml.
-- Where one identifier is often shared in a household, names have to agree as well.
with

evidence as (

    select * from {{ ref('int_identifiers') }}
    where is_evidence and fan_out > 1

),

people as (

    select
        profile_key,
        match_first_name as first_name,
        match_last_name as last_name,
        email,
        birth_date
    from {{ ref('int_profiles') }}

),

pairs as (

    select
        a.profile_key as profile_key_a,
        b.profile_key as profile_key_b,
        a.kind,
        a.value,
        a.fan_out
    from evidence as a
    inner join evidence as b
        on a.kind = b.kind and a.value = b.value and a.profile_key < b.profile_key

),

compared as (

    select
        pairs.*,
        a.first_name is null or b.first_name is null as is_nameless,
        -- Two birthdays are two people.
        a.birth_date <> b.birth_date as birth_dates_differ,
        a.email <> b.email as emails_differ,
        a.first_name = b.first_name and a.last_name = b.last_name
        -- Support desks write `Smith, John`.
        or (a.last_name = b.first_name and a.first_name = b.last_name) as names_agree,
        -- `J. Smith` may be John, and so may somebody who only said `John`.
        (
            a.last_name = b.last_name
            and least(length(a.first_name), length(b.first_name)) = 1
            and left(a.first_name, 1) = left(b.first_name, 1)
        )
        or (a.first_name = b.first_name and (a.last_name is null or b.last_name is null)) as names_are_alike,
        left(a.first_name, 1) <> left(b.first_name, 1)
        and left(a.last_name, 1) <> left(b.last_name, 1)
        and a.first_name || a.last_name <> b.last_name || b.first_name as names_differ
    from pairs
    inner join people as a on pairs.profile_key_a = a.profile_key
    inner join people as b on pairs.profile_key_b = b.profile_key

),

ruled as (

    select
        profile_key_a,
        profile_key_b,
        case
            when kind in ('store_id', 'loyalty_number', 'social_handle') then kind
            when kind = 'email' and (names_agree or names_are_alike or is_nameless) then 'same_email'
            -- A short form or a slip, or somebody else of the family on one address.
            when kind = 'email' and names_differ is not true then 'same_email_of_other_name'
            when kind = 'email_base' and (names_agree or names_are_alike or is_nameless) then 'same_email_without_tag'
            -- Father and son of one name on a family's phone: each has an address of his own.
            when kind = 'phone' and names_agree and emails_differ then 'same_phone_and_name_of_other_email'
            when kind = 'phone' and names_agree then 'same_phone_and_name'
            -- With a third profile on the phone an initial could be either of two people.
            when kind = 'phone' and (names_are_alike or is_nameless) and fan_out = 2 then 'same_phone_of_two'
            when kind = 'name_and_address' then 'same_name_and_address'
        end as rule,
        value,
        fan_out
    from compared
    where birth_dates_differ is not true

)

select
    profile_key_a,
    profile_key_b,
    rule,
    min(value) as value,
    min(fan_out) as fan_out
from ruled
where rule is not null
group by profile_key_a, profile_key_b, rule
