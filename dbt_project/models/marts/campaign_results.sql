-- Grain: one row a campaign and occurrence. The states waiting to quarantined sum to planned. A person counts once,
-- however often they opened or clicked. Money is that of the currency most of the credited orders are in.
with

occurrences as (

    select * from {{ ref('stg_ops__occurrences') }}

),

counted as (

    select
        campaign_id,
        occurrence_key,
        count(*) as planned,
        count(*) filter (where state in ('planned', 'pending')) as waiting,
        count(*) filter (where state = 'sending') as sending,
        count(*) filter (where state = 'unknown') as unknown,
        count(*) filter (where state = 'accepted') as accepted,
        count(*) filter (where state = 'suppressed') as suppressed,
        count(*) filter (where state = 'failed') as failed,
        count(*) filter (where state = 'expired') as expired,
        count(*) filter (where state = 'cancelled') as cancelled,
        count(*) filter (where state = 'quarantined') as quarantined,
        count(delivered_at) as delivered,
        count(opened_at) as opened,
        count(machine_opened_at) filter (where opened_at is null) as machine_opened_only,
        count(clicked_at) as clicked,
        count(unsubscribed_at) as unsubscribed,
        count(complained_at) as complained,
        count(bounced_at) as bounced
    from {{ ref('messages') }}
    group by campaign_id, occurrence_key

),

credited_by_currency as (

    select
        campaign_id,
        occurrence_key,
        currency_code,
        count(*) as orders_count,
        sum(revenue) as revenue,
        count(*) filter (where rule <> 'last_mail') as clicked_orders_count,
        sum(revenue) filter (where rule <> 'last_mail') as clicked_revenue,
        sum(count(*)) over (partition by campaign_id, occurrence_key) - count(*) as other_currency_orders_count
    from {{ ref('int_order_attribution') }}
    group by campaign_id, occurrence_key, currency_code

),

credited as (

    select distinct on (campaign_id, occurrence_key) *
    from credited_by_currency
    order by campaign_id asc, occurrence_key asc, orders_count desc, currency_code asc

)

select
    occurrences.campaign_id,
    occurrences.occurrence_key,
    {% for count in [
        'planned', 'waiting', 'sending', 'unknown', 'accepted', 'suppressed', 'failed', 'expired', 'cancelled',
        'quarantined', 'delivered', 'opened', 'machine_opened_only', 'clicked', 'unsubscribed', 'complained', 'bounced'
    ] -%}
        coalesce(counted.{{ count }}, 0) as {{ count }},
    {% endfor -%}
    coalesce(credited.orders_count, 0) as orders_count,
    coalesce(credited.revenue, 0)::numeric(18, 4) as revenue,
    coalesce(credited.clicked_orders_count, 0) as clicked_orders_count,
    coalesce(credited.clicked_revenue, 0)::numeric(18, 4) as clicked_revenue,
    coalesce(credited.other_currency_orders_count, 0)::bigint as other_currency_orders_count,
    credited.currency_code,
    occurrences.planned_at
from occurrences
left join counted
    on occurrences.campaign_id = counted.campaign_id and occurrences.occurrence_key = counted.occurrence_key
left join credited
    on occurrences.campaign_id = credited.campaign_id and occurrences.occurrence_key = credited.occurrence_key
