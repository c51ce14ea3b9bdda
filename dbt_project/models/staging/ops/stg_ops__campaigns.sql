with

source as (

    select * from {{ source('ops', 'campaign') }}

),

renamed as (

    select
        campaign_id,

        kind,
        topic,
        policy,
        version,

        paused as is_paused,

        updated_at

    from source

)

select * from renamed
