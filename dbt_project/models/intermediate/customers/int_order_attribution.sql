-- Grain: one row an order that follows a mail: the one mail it is credited to, and why.
-- Candidates are the customer's mails accepted within attribution_days before the order. First the mail whose campaign
-- the order's own visit names (utm_campaign), then the last one clicked, then the last one accepted.
with

orders as (

    select * from {{ ref('orders') }}
    where counts_as_order and customer_id is not null

),

messages as (

    select * from {{ ref('messages') }}
    where accepted_at is not null and bounced_at is null

),

candidates as (

    select
        orders.order_id,
        orders.ordered_at,
        orders.currency_code,
        orders.revenue,
        messages.send_id,
        messages.campaign_id,
        messages.occurrence_key,
        messages.accepted_at,
        case when messages.clicked_at <= orders.ordered_at then messages.clicked_at end as clicked_before_at,
        coalesce(orders.utm_campaign = messages.campaign_id, false) as is_named
    from orders
    inner join messages
        on
            orders.customer_id = messages.customer_id
            and orders.ordered_at >= messages.accepted_at
            and orders.ordered_at < messages.accepted_at + interval '{{ var("attribution_days") }} days'

)

select distinct on (order_id)
    order_id,
    send_id,
    campaign_id,
    occurrence_key,
    currency_code,
    revenue,
    case
        when is_named then 'named_campaign'
        when clicked_before_at is not null then 'last_click'
        else 'last_mail'
    end as rule
from candidates
order by
    order_id asc, is_named desc, clicked_before_at desc nulls last, accepted_at desc, send_id asc
