-- Grain: one row an answer to a survey. Of several answers to one mail the newest holds (is_newest). trigger_id says
-- what it was asked about: an order, a ticket.
with

answers as (

    select * from {{ ref('stg_ops__survey_answers') }}

),

sends as (

    select * from {{ ref('stg_ops__sends') }}

),

customer_ids as (

    select * from {{ source('identity', 'customer_ids') }}

),

steps as (

    select
        campaign_id,
        occurrence_key,
        customer_id,
        min(trigger_id) as trigger_id
    from {{ ref('stg_ops__flow_steps') }}
    where occurrence_key is not null
    group by campaign_id, occurrence_key, customer_id

),

joined as (

    select
        answers.answer_id,
        answers.send_id,
        sends.campaign_id,
        sends.occurrence_key,
        coalesce(customer_ids.merged_into, sends.planned_customer_id) as customer_id,
        steps.trigger_id,

        answers.survey,
        answers.language,
        case
            when answers.survey = 'nps' and answers.answer >= 9 then 'promoter'
            when answers.survey = 'nps' and answers.answer >= 7 then 'passive'
            when answers.survey = 'nps' then 'detractor'
            when answers.answer >= 4 then 'satisfied'
            when answers.answer = 3 then 'neutral'
            else 'dissatisfied'
        end as answer_group,
        answers.comment,

        answers.answer,

        row_number() over (
            partition by answers.send_id, answers.survey order by answers.answered_at desc, answers.answer_id desc
        ) = 1 as is_newest,

        answers.answered_at

    from answers
    inner join sends on answers.send_id = sends.send_id
    left join customer_ids on sends.planned_customer_id = customer_ids.customer_id
    left join steps
        on
            sends.campaign_id = steps.campaign_id
            and sends.occurrence_key = steps.occurrence_key
            and sends.planned_customer_id = steps.customer_id

)

select * from joined
