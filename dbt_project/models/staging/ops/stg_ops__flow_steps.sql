with

source as (

    select * from {{ source('ops', 'flow_step') }}

),

runs as (

    select * from {{ source('ops', 'flow_run') }}

),

joined as (

    select
        source.campaign_id,
        source.trigger_id,
        source.occurrence_key,
        runs.customer_id,

        source.step,
        source.outcome,
        source.reason,

        source.settled_at

    from source
    inner join runs on source.campaign_id = runs.campaign_id and source.trigger_id = runs.trigger_id

)

select * from joined
