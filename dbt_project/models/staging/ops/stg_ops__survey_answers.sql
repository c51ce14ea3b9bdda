with

source as (

    select * from {{ source('ops', 'survey_answer') }}

),

renamed as (

    select
        answer_id,
        send_id,

        survey,
        comment,
        language,

        answer,

        answered_at

    from source

)

select * from renamed
