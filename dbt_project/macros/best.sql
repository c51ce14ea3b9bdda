{#- Within a customer's profiles: the value of the most trusted source that knows it, the newest first,
    of profiles that are the customer's for certain. -#}
{% macro best(column) -%}
    (
        array_agg({{ column }} order by source_rank, updated_at desc nulls last, profile_key)
        filter (where {{ column }} is not null and confidence = 'certain')
    )[1]
{%- endmacro %}
