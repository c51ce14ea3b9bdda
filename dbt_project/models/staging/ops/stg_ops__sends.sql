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
        -- Who asks for mail is nobody's customer yet: a confirmation carries the request in place of one.
        case when customer_id not like 'opt\_in:%' then customer_id end as planned_customer_id,

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
