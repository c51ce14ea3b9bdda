{#- The rate of a joined row of int_exchange_rates; the reporting currency itself needs none. -#}
{% macro reporting_rate(currency, rates='rates') -%}
    case when {{ currency }} = '{{ var("reporting_currency") }}' then 1 else {{ rates }}.reporting_rate end
    ::numeric(24, 12)
{%- endmacro %}
