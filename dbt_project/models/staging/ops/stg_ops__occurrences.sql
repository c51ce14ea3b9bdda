with

source as (

    select * from {{ source('ops', 'occurrence') }}

),

renamed as (

    select
        campaign_id,
        occurrence_key,

        lot -> 'experiment' ->> 'name' as experiment,
        waterfall,

        planned_at

    from source

)

select * from renamed
