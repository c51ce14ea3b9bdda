-- Grain: one row a month and campaign with mails in it: how many people came how far. A person counts once, and a later
-- step implies the earlier ones (who clicked has opened). known and consented are the shop's at the end of the month,
-- of the people known today, the same for all campaigns. ordered are people with an order credited to a click or to
-- the campaign's own name. Mails that ask a stranger to confirm an address count nobody.
with

messages as (

    select
        *,
        {{ shop_month('accepted_at') }} as month
    from {{ ref('messages') }}
    where accepted_at is not null and customer_id is not null

),

credited as (

    select distinct send_id
    from {{ ref('int_order_attribution') }}
    where rule <> 'last_mail'

),

people as (

    select
        messages.month,
        messages.campaign_id,
        messages.customer_id,
        bool_or(credited.send_id is not null) as has_ordered,
        bool_or(credited.send_id is not null or messages.clicked_at is not null) as has_clicked,
        bool_or(coalesce(messages.opened_at, messages.clicked_at) is not null) as has_opened,
        bool_or(messages.delivered_at is not null) as has_got_it
    from messages
    left join credited on messages.send_id = credited.send_id
    group by messages.month, messages.campaign_id, messages.customer_id

),

steps as (

    select
        month,
        campaign_id,
        count(*) as mailed,
        count(*) filter (where has_got_it or has_opened or has_clicked) as delivered,
        count(*) filter (where has_opened or has_clicked) as opened,
        count(*) filter (where has_clicked) as clicked,
        count(*) filter (where has_ordered) as ordered
    from people
    group by month, campaign_id

),

months as (

    select distinct
        month,
        (month + interval '1 month') at time zone '{{ var("shop_time_zone") }}' as ended_at
    from steps

),

known as (

    select
        months.month,
        count(customers.customer_id) as known
    from months
    left join {{ ref('customers') }} as customers
        on coalesce(customers.first_seen_at, timestamptz '-infinity') < months.ended_at
    group by months.month

),

consented as (

    select
        months.month,
        count(distinct addresses.customer_id) as consented
    from months
    inner join {{ ref('int_consent_periods') }} as periods
        on months.ended_at > periods.granted_at and (periods.ended_at is null or months.ended_at <= periods.ended_at)
    inner join {{ ref('int_addresses') }} as addresses on periods.email = addresses.email
    inner join {{ ref('customers') }} as customers
        on
            addresses.customer_id = customers.customer_id
            and coalesce(customers.first_seen_at, timestamptz '-infinity') < months.ended_at
    group by months.month

)

select
    steps.month,
    steps.campaign_id,
    known.known,
    coalesce(consented.consented, 0) as consented,
    steps.mailed,
    steps.delivered,
    steps.opened,
    steps.clicked,
    steps.ordered
from steps
inner join known on steps.month = known.month
left join consented on steps.month = consented.month
