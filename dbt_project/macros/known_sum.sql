{#-
    The sum of a column over the rows that `condition` names; null when one of them is unknown, since a sum that leaves
    something out in silence would be taken for the whole.
-#}
{% macro known_sum(column, condition) -%}
    case
        when count(*) filter (where {{ condition }}) = count({{ column }}) filter (where {{ condition }})
            then coalesce(sum({{ column }}) filter (where {{ condition }}), 0)
    end::numeric(18, 4)
{%- endmacro %}
