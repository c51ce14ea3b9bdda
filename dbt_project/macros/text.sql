{#- Empty and blank are unknown. -#}
{% macro clean_text(column) -%}
    nullif(btrim({{ column }}, e' \t\r\n\u00a0'), '')
{%- endmacro %}

{#-
    One mailbox, one spelling: trimmed and lower case. Plus-tags and dots stay, since only some providers ignore them.
    What is no address becomes null.
-#}
{% macro canonical_email(column) -%}
    substring(lower(btrim({{ column }}, e' \t\r\n\u00a0')) from '^[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;".]+$')
{%- endmacro %}

{#- For comparing names and addresses: no case, no accents, no punctuation; letters of every script stay. -#}
{% macro match_text(column) -%}
    nullif(
        regexp_replace(normalize(lower({{ column }}), nfkd), '[\u0300-\u036f[:space:][:punct:]]', '', 'g'), ''
    )
{%- endmacro %}

{#- A full name without what is no name: placeholders that help desks put there hold digits or an address. -#}
{% macro person_name(column) -%}
    case
        when {{ column }} ~ '[@0-9]' then null
        when {{ column }} ~ '^[^,]+,[^,]+$'
            then btrim(split_part({{ column }}, ',', 2)) || ' ' || btrim(split_part({{ column }}, ',', 1))
        else {{ clean_text(column) }}
    end
{%- endmacro %}

{% macro first_word(column) -%}
    nullif(split_part({{ column }}, ' ', 1), '')
{%- endmacro %}

{#- All words after the first, so that `van der Berg` stays whole. -#}
{% macro words_after_first(column) -%}
    nullif(btrim(substring({{ column }} from position(' ' in {{ column }} || ' ') + 1)), '')
{%- endmacro %}
