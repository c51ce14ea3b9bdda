{#- Readers of BI tools see a mart unless it says that it holds personal data. -#}
{% macro grant_to_bi() -%}
    {%- if not model.config.get('meta', {}).get('personal_data', false) -%}
        grant select on {{ this }} to bi_reader
    {%- endif -%}
{%- endmacro %}
