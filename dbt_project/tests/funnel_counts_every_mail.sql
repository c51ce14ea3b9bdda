-- An independent path: people written to by campaign, over all months, from the mails themselves.
with

people as (

    select
        campaign_id,
        {{ shop_month('accepted_at') }} as month,
        count(distinct customer_id) as mailed,
        count(distinct customer_id) filter (where clicked_at is not null) as clicked
    from {{ ref('messages') }}
    where accepted_at is not null and customer_id is not null
    group by campaign_id, month

)

select people.campaign_id
from people
full join {{ ref('funnel') }} as funnel
    on people.campaign_id = funnel.campaign_id and people.month = funnel.month
where people.mailed is distinct from funnel.mailed or not people.clicked <= funnel.clicked
