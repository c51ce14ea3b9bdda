{#-
    Orders and visits outlive builds in tables of schema intermediate: a build makes only those anew whose raw rows are
    not what they were. int_order_versions and int_web_device_versions say what they are now; each row made from them
    carries the version that it was made from. So a build that failed, was killed or was never published leaves nothing
    to repair.
-#}

{#- What the project was when a row was made, as a bigint: another text of a model or seed makes all rows anew. -#}
{% macro project_version() -%}
    {{ env_var('RAPPORT_DBT_PROJECT_VERSION', '0') if execute else 0 }}
{%- endmacro %}

{#- What a raw row was when it was read: its place and the transaction that wrote it, whoever wrote it. -#}
{% macro row_version(relation) -%}
    hashtextextended({{ relation }}.xmin::text || {{ relation }}.ctid::text, {{ project_version() }})
{%- endmacro %}

{#- Before a model adds what is missing: its rows of orders (or devices) that changed or are gone leave it. -#}
{% macro forget_changed(current, key='order_key', version='order_version') -%}
    {%- if is_incremental() -%}
        delete from {{ this }} as kept
        where not exists (
            select 1 from {{ current }} as given
            where given.{{ key }} = kept.{{ key }} and given.{{ version }} = kept.{{ version }}
        )
    {%- endif -%}
{%- endmacro %}

{#- The condition that an order (or device) of `relation` has no row here yet. -#}
{% macro is_missing(relation, key='order_key') -%}
    {%- if is_incremental() -%}
        not exists (select 1 from {{ this }} as kept where kept.{{ key }} = {{ relation }}.{{ key }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
