-- Grain: one row a campaign, occurrence and variant. The states waiting to quarantined sum to planned. A person counts
-- once, however often they opened or clicked. Orders are credited three ways that each share out the same orders; what
-- the mail really changed is the comparison with those held out. Money is in the reporting currency.
with

occurrences as (

    select * from {{ ref('stg_ops__occurrences') }}

),

counted as (

    select
        campaign_id,
        occurrence_key,
        variant,
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
        count(machine_clicked_at) filter (where clicked_at is null) as machine_clicked_only,
        count(unsubscribed_at) as unsubscribed,
        count(complained_at) as complained,
        count(bounced_at) as bounced
    from {{ ref('messages') }}
    group by campaign_id, occurrence_key, variant

),

credited as (

    select
        campaign_id,
        occurrence_key,
        variant,
        sum(last_touch_share) as orders_count,
        sum(last_touch_share) filter (where rule <> 'last_mail') as clicked_orders_count,
        sum(last_touch_share) filter (where reporting_revenue is null) as orders_without_rate_count,
        sum(linear_share) as linear_orders_count,
        sum(position_share) as position_orders_count,
        sum(last_touch_share * reporting_revenue) as reporting_revenue,
        sum(last_touch_share * reporting_revenue) filter (where rule <> 'last_mail') as clicked_reporting_revenue,
        sum(linear_share * reporting_revenue) as linear_reporting_revenue,
        sum(position_share * reporting_revenue) as position_reporting_revenue
    from {{ ref('int_order_touches') }}
    group by campaign_id, occurrence_key, variant

),

effects as (

    select * from {{ ref('int_campaign_effects') }}

),

joined as (

    select
        occurrences.campaign_id,
        occurrences.occurrence_key,
        coalesce(counted.variant, 'a') as variant,
        occurrences.experiment,
        {% for count in [
            'planned', 'waiting', 'sending', 'unknown', 'accepted', 'suppressed', 'failed', 'expired', 'cancelled',
            'quarantined', 'delivered', 'opened', 'machine_opened_only', 'clicked', 'machine_clicked_only',
            'unsubscribed', 'complained', 'bounced'
        ] -%}
            coalesce(counted.{{ count }}, 0) as {{ count }},
        {% endfor -%}
        {% for count in ['orders_count', 'clicked_orders_count', 'orders_without_rate_count'] -%}
            coalesce(credited.{{ count }}, 0)::bigint as {{ count }},
        {% endfor -%}
        {% for amount in [
            'linear_orders_count', 'position_orders_count', 'reporting_revenue', 'clicked_reporting_revenue',
            'linear_reporting_revenue', 'position_reporting_revenue'
        ] -%}
            coalesce(credited.{{ amount }}, 0)::numeric(18, 4) as {{ amount }},
        {% endfor -%}
        (coalesce(counted.accepted, 0) * {{ var('mail_cost') }})::numeric(18, 4) as reporting_cost,
        effects.holdout,
        effects.holdout_count,
        {% for total in ['visitors_count', 'orders_count', 'reporting_revenue'] -%}
            {%- set change, margin = 'effects.' ~ total ~ '_change', 'effects.' ~ total ~ '_margin' -%}
            (effects.people_count * {{ change }})::numeric(18, 4) as incremental_{{ total }},
            (effects.people_count * ({{ change }} - {{ margin }}))::numeric(18, 4) as incremental_{{ total }}_low,
            (effects.people_count * ({{ change }} + {{ margin }}))::numeric(18, 4) as incremental_{{ total }}_high,
        {% endfor -%}
        effects.effect_ends_at,
        effects.is_effect_complete,
        occurrences.planned_at
    from occurrences
    left join counted
        on occurrences.campaign_id = counted.campaign_id and occurrences.occurrence_key = counted.occurrence_key
    left join credited
        on
            counted.campaign_id = credited.campaign_id
            and counted.occurrence_key = credited.occurrence_key
            and counted.variant = credited.variant
    left join effects
        on
            counted.campaign_id = effects.campaign_id
            and counted.occurrence_key = effects.occurrence_key
            and counted.variant = effects.variant

)

select
    *,
    ((reporting_revenue - reporting_cost) / nullif(reporting_cost, 0))::numeric(18, 4) as attributed_roi,
    ((incremental_reporting_revenue - reporting_cost) / nullif(reporting_cost, 0))::numeric(18, 4) as incremental_roi
from joined
