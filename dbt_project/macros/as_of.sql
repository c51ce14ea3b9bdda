{#- The moment the build speaks of, as a timestamptz literal. A run without one stops: models never ask the clock. -#}
{% macro as_of() -%}
    {%- if execute and flags.WHICH != 'parse' and var('as_of') is none -%}
        {{ exceptions.raise_compiler_error("as_of is not set: run dbt with --vars '{as_of: \"2026-11-23T08:00:00+00:00\"}'") }}
    {%- endif -%}
    timestamptz '{{ var("as_of") or "1970-01-01T00:00:00+00:00" }}'
{%- endmacro %}
