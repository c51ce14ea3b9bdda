{#- The shop's calendar day of a moment. -#}
{% macro shop_day(moment) -%}
    ({{ moment }} at time zone '{{ var("shop_time_zone") }}')::date
{%- endmacro %}

{#- The first day of the shop's calendar month of a moment. -#}
{% macro shop_month(moment) -%}
    date_trunc('month', {{ moment }} at time zone '{{ var("shop_time_zone") }}')::date
{%- endmacro %}

{#- A birthday in the year of `today` plus `years`. Who was born on 29 February has it on the 28th in common years. -#}
{% macro birthday(birth_date, today, years=0) -%}
    (
        {{ birth_date }}
        + make_interval(
            years => (extract(year from {{ today }}) - extract(year from {{ birth_date }}))::integer + {{ years }}
        )
    )::date
{%- endmacro %}

{#- A moment lies within so many days before as_of; none is always. -#}
{% macro within(moment, days) -%}
    {{ "true" if days is none else moment ~ " > " ~ as_of() ~ " - interval '" ~ days ~ " days'" }}
{%- endmacro %}
