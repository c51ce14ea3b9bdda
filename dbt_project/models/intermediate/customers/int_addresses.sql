-- Grain: one row a customer and e-mail address, with what was last said about marketing mail at that address.
-- is_preferred marks the one address of a customer that is written to: a consenting one before all others.
with

members as (

    select * from {{ ref('int_members') }}
    where email is not null

),

consents as (

    select distinct on (email)
        email,
        granted,
        occurred_at
    from {{ ref('int_consent_facts') }}
    where topic = 'marketing'
    -- Of a yes and a no in the same moment the no holds.
    order by email asc, occurred_at desc, granted asc

),

addresses as (

    select
        customer_id,
        email,
        min(source_rank) as source_rank,
        max(updated_at) as updated_at
    from members
    group by customer_id, email

),

joined as (

    select
        addresses.customer_id,
        addresses.email,
        coalesce(consents.granted, false) as email_consent,
        consents.occurred_at as email_consent_at,
        row_number() over (
            partition by addresses.customer_id
            order by
                coalesce(consents.granted, false) desc,
                addresses.source_rank asc,
                addresses.updated_at desc nulls last,
                addresses.email asc
        ) = 1 as is_preferred
    from addresses
    left join consents on addresses.email = consents.email

)

select * from joined
