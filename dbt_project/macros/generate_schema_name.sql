{#-
    Schemas carry the layer's own name in every environment: grants and readers rest on it. Layers that others read are
    built under another name first, and take their place as a whole once every test and gate has passed.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif custom_schema_name | trim in ['marts', 'segments', 'activation'] -%}
        {{ custom_schema_name | trim }}{{ env_var('RAPPORT_DBT_SCHEMA_SUFFIX', '_next') }}
    {%- else -%}
        {{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
