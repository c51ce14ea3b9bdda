with

source as (

    select * from {{ source('ops', 'occurrence') }}

),

renamed as (

    select
        campaign_id,
        occurrence_key,

        experiment,
        waterfall,

        planned_at

    from source

)

select * from renamed
