-- An independent path: each mail of the ledger that the build saw is counted in one occurrence.
with

ledger as (

    select
        count(*) as planned,
        count(*) filter (where sends.state = 'accepted') as accepted
    from {{ source('ops', 'send') }} as sends
    -- Mails planned while the build runs are in the ledger only.
    where sends.send_id in (select messages.send_id from {{ ref('messages') }} as messages)

),

results as (

    select
        coalesce(sum(planned), 0) as planned,
        coalesce(sum(accepted), 0) as accepted
    from {{ ref('campaign_results') }}

)

select
    ledger.planned as in_ledger,
    results.planned as in_results
from ledger
cross join results
-- Mails accepted while the build runs are still pending in it; accepted ones stay so.
where results.planned <> ledger.planned or results.accepted > ledger.accepted
