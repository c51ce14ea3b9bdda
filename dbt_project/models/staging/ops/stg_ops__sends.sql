with

source as (

    select * from {{ source('ops', 'send') }}

),

renamed as (

    select
        send_id,
        campaign_id,
        occurrence_key,
        recipient_key,
        customer_id as planned_customer_id,

        variant,
        topic,
        policy,
        state,
        reason,
        mailbox,

        not awaits_winner as is_in_test,

        attempt_no as attempts_count,

        planned_at,
        due_at,
        expires_at,
        accepted_at

    from source

)

select * from renamed
