with

source as (

    select * from {{ source('ops', 'decision') }}

),

renamed as (

    select
        campaign_id,
        occurrence_key,
        customer_id as planned_customer_id,

        outcome,

        decided_at

    from source

)

select * from renamed
