-- Grain: one row a customer who answered a survey: the newest score of each, and when the last answer came.
select
    customer_id,
    (array_agg(answer order by answered_at desc, answer_id desc) filter (where survey = 'nps'))[1] as nps_score,
    (array_agg(answer order by answered_at desc, answer_id desc) filter (where survey = 'csat'))[1] as csat_score,
    max(answered_at) as last_answer_at
from {{ ref('survey_answers') }}
where is_newest
group by customer_id
