with

source as (

    select * from {{ source('ops', 'suppression') }}

),

-- What a person said or had somebody say. Bounces stop mail too, but take no consent back.
renamed as (

    select
        recipient_key,
        evidence_id,

        topic,
        reason,
        source,

        occurred_at

    from source
    where reason in ('unsubscribe', 'complaint', 'manual', 'erasure')

)

select * from renamed
