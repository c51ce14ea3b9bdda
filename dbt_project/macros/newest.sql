{#- Within a group of orders: the newest value that is known; equal times are settled by key, so builds agree. -#}
{% macro newest(column) -%}
    (array_agg({{ column }} order by ordered_at desc, order_key) filter (where {{ column }} is not null))[1]
{%- endmacro %}
