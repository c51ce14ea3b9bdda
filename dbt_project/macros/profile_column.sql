{#- A column of a profile: what `given` says of it (none is unknown there), else the relation's own; and a comma. -#}
{% macro profile_column(column, given, is_last) -%}
    {%- set types = {'birth_date': 'date', 'source_rank': 'integer'} -%}
    {%- if column in given -%}
        {{ given[column] or 'null' }}::{{ types.get(column, 'text') }} as {{ column }}
    {%- else -%}
        {{ column }}
    {%- endif -%}
    {{ "," if not is_last }}
{%- endmacro %}
