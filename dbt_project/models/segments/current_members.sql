-- Grain: one row a customer and segment, as of this build. Each file of this folder that is listed in var segments counts.
{% for segment in var('segments') %}
select
    customer_id,
    '{{ segment }}' as segment
from {{ ref(segment) }}
{{ "union all" if not loop.last }}
{% endfor %}
