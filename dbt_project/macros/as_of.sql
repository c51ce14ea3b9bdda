{#-
    The moment the build speaks of, as a timestamptz literal: RAPPORT_DBT_AS_OF, else var as_of. A run without one stops:
    models never ask the clock. The variable is read when a model runs, not when it is parsed, so that a new moment does
    not make dbt parse the project anew.
-#}
{% macro as_of() -%}
{%- if execute -%}
{%- set moment = var('as_of') or env_var('RAPPORT_DBT_AS_OF', '') -%}
{%- if not moment -%}
{{ exceptions.raise_compiler_error("as_of is not set: run dbt with --vars '{as_of: 2026-11-23T08:00:00+00:00}'") }}
{%- endif -%}
timestamptz '{{ moment }}'
{%- else -%}
timestamptz '1970-01-01 00:00:00+00'
{%- endif -%}
{%- endmacro %}
