-- Grain: one row a customer with a score of the last score_days days. A score that was no better than its naive rule is
-- never published, so an older one may stand in its table; too old a one says nothing and is null here.
{% set scores = {
    'lifetime': {
        'p_alive::numeric(6, 4)': 'probability_alive',
        'expected_orders_90d::numeric(12, 4)': 'expected_orders_90d',
        'expected_value_90d::numeric(18, 4)': 'expected_revenue_90d'
    },
    'churn': {
        'churn_probability_90d::numeric(6, 4)': 'churn_risk',
        'order_probability_30d::numeric(6, 4)': 'order_probability_30d'
    },
    'send_time': {'best_send_hour': 'best_send_hour'}
} %}
select
    customer_id,
    {% for score, columns in scores.items() -%}
        {% for given, name in columns.items() -%}
            case when {{ within(score ~ '_as_of', var('score_days')) }} then {{ given }} end as {{ name }},
        {% endfor -%}
    {% endfor -%}
    as_of as scored_at
from {{ source('scores', 'customer_scores') }}
where {{ within('as_of', var('score_days')) }}
