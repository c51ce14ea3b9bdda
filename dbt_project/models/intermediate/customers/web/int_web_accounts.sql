-- Grain: one row a store account that web events may name: its number is what the shop's pages send as userId.
-- Only what is certain of a person counts, since carts and views come into mails. A number that two people have is
-- nobody's; the store's own goes before that of an export.
with

accounts as (

    select
        regexp_replace(profile_key, '^.*[:/]', '') as account_number,
        customer_id,
        case when starts_with(profile_key, 'shopify:') then 1 else 2 end as source_rank
    from {{ source('identity', 'members') }}
    where confidence = 'certain' and profile_key ~ '^(shopify|files):'

),

ranked as (

    select
        account_number,
        customer_id,
        source_rank = min(source_rank) over (partition by account_number) as is_first
    from accounts

)

select
    account_number,
    min(customer_id) as customer_id
from ranked
where is_first
group by account_number
having count(distinct customer_id) = 1
