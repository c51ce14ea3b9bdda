-- Grain: one row a customer and segment, as of this build. Files of this folder count when var segments lists them.
{% for segment in var('segments') %}
    select
        customer_id,
        '{{ segment }}' as segment
    from {{ ref(segment) }}
    {{ "union all" if not loop.last }}
{% endfor %}
