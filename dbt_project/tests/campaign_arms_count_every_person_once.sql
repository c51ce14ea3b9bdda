-- An independent path: people whom the ledger planned or held out, by occurrence, and their clicks and mails by family.
with

people as (

    select
        campaign_id,
        occurrence_key,
        sum(people_count) as people_count
    from {{ ref('campaign_arms') }}
    group by campaign_id, occurrence_key

),

drawn as (

    select
        campaign_id,
        occurrence_key,
        customer_id
    from {{ ref('messages') }}
    union
    select
        decisions.campaign_id,
        decisions.occurrence_key,
        coalesce(ids.merged_into, ids.customer_id) as customer_id
    from {{ ref('stg_ops__decisions') }} as decisions
    inner join {{ source('identity', 'customer_ids') }} as ids on decisions.planned_customer_id = ids.customer_id
    where decisions.outcome in ('holdout', 'global_holdout')

),

expected as (

    select
        campaign_id,
        occurrence_key,
        count(*) as people_count
    from drawn
    where customer_id in (select ids.customer_id from {{ source('identity', 'customer_ids') }} as ids)
    group by campaign_id, occurrence_key

)

select
    coalesce(people.campaign_id, expected.campaign_id) as campaign_id,
    coalesce(people.occurrence_key, expected.occurrence_key) as occurrence_key
from people
full join expected on people.campaign_id = expected.campaign_id and people.occurrence_key = expected.occurrence_key
where people.people_count is distinct from expected.people_count
union all
select
    'by mailbox' as campaign_id,
    '' as occurrence_key
where
    (select coalesce(sum(mailboxes.planned), 0) from {{ ref('campaign_mailboxes') }} as mailboxes)
    <> (select coalesce(sum(results.planned), 0) from {{ ref('campaign_results') }} as results)
