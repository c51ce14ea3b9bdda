with

source as (

    select * from {{ source('ops', 'suppression') }}

),

-- A person who leaves through our own link names the mail they left from; who leaves again, also when.
renamed as (

    select
        substring(
            evidence_id from '^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:@.*)?$'
        )::uuid as send_id,

        topic,
        reason,

        occurred_at

    from source
    where reason in ('unsubscribe', 'complaint')

)

select * from renamed
where send_id is not null
