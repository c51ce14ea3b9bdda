-- Grain: one row a customer and e-mail address, with what was last said about marketing mail at that address.
-- is_preferred marks the one address of a customer that is written to: of a profile that is theirs for certain, and a
-- consenting one before all others.
with

members as (

    select * from {{ ref('int_members') }}
    where email is not null

),

consents as (

    select
        email,
        max(occurred_at) as occurred_at
    from {{ ref('int_consent_facts') }}
    where topic = 'marketing'
    group by email

),

-- What the ledger knows counts too: a click on our own link to unsubscribe is no fact of any source.
periods as (

    select
        email,
        bool_or(ended_at is null) as is_open,
        max(granted_at) as granted_at,
        max(ended_at) as ended_at
    from {{ ref('int_consent_periods') }}
    where topic = 'marketing'
    group by email

),

addresses as (

    select
        customer_id,
        email,
        bool_or(confidence = 'certain') as is_certain,
        min(source_rank) as source_rank,
        max(updated_at) as updated_at
    from members
    group by customer_id, email

),

joined as (

    select
        addresses.customer_id,
        addresses.email,
        addresses.is_certain,
        coalesce(periods.is_open, false) as email_consent,
        case
            when periods.is_open then periods.granted_at
            else greatest(periods.ended_at, consents.occurred_at)
        end as email_consent_at,
        addresses.is_certain
        and row_number() over (
            partition by addresses.customer_id, addresses.is_certain
            order by
                coalesce(periods.is_open, false) desc,
                addresses.source_rank asc,
                addresses.updated_at desc nulls last,
                addresses.email asc
        ) = 1 as is_preferred
    from addresses
    left join consents on addresses.email = consents.email
    left join periods on addresses.email = periods.email

)

select * from joined
