-- Grain: one row an order and a mail that came before it. Candidates are the customer's mails accepted within
-- attribution_days before the order. Each model shares out the order among them: its shares sum to 1 by order.
-- last_touch gives it to one mail: first the one whose campaign the order's own visit names (utm_campaign), then the
-- last one clicked, then the last one accepted. position gives the first and the last mail 40 % each, the rest to those
-- between.
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
        orders.reporting_revenue,
        messages.send_id,
        messages.campaign_id,
        messages.occurrence_key,
        messages.variant,
        messages.accepted_at,
        case when messages.clicked_at <= orders.ordered_at then messages.clicked_at end as clicked_before_at,
        coalesce(orders.utm_campaign = messages.campaign_id, false) as is_named
    from orders
    inner join messages
        on
            orders.customer_id = messages.customer_id
            and orders.ordered_at >= messages.accepted_at
            and orders.ordered_at < messages.accepted_at + interval '{{ var("attribution_days") }} days'

),

placed as (

    select
        *,
        row_number() over (
            partition by order_id
            order by is_named desc, clicked_before_at desc nulls last, accepted_at desc, send_id asc
        ) as credit_rank,
        row_number() over (partition by order_id order by accepted_at, send_id) as place,
        count(*) over (partition by order_id) as touches_count
    from candidates

)

select
    order_id,
    send_id,
    campaign_id,
    occurrence_key,
    variant,
    currency_code,
    case
        when is_named then 'named_campaign'
        when clicked_before_at is not null then 'last_click'
        else 'last_mail'
    end as rule,
    touches_count,
    revenue,
    reporting_revenue,
    (credit_rank = 1)::integer as last_touch_share,
    1.0 / touches_count as linear_share,
    case
        when touches_count <= 2 then 1.0 / touches_count
        when place in (1, touches_count) then 0.4
        else 0.2 / (touches_count - 2)
    end as position_share
from placed
