{#-
    A phone as typed, in E.164, or null when it cannot be one. A national number takes the country's calling code;
    its trunk prefix goes, unless the country has none (Italy keeps its zero).
-#}
{% macro e164_phone(phone, calling_code, trunk_prefix) -%}
    {%- set typed = "regexp_replace(regexp_replace(lower(" ~ phone ~ "), '(ext|x|#|;).*$', ''), '\\(0\\)', '')" -%}
    {%- set digits = "regexp_replace(" ~ typed ~ ", '[^0-9]', '', 'g')" -%}
    {%- set trunk = "coalesce(" ~ trunk_prefix ~ ", '')" -%}
    substring(
        case
            when {{ phone }} ~ '^\s*\(?\+' then '+' || {{ digits }}
            when {{ digits }} like '00%' then '+' || substr({{ digits }}, 3)
            when {{ trunk }} <> '' and starts_with({{ digits }}, {{ trunk }})
                then '+' || {{ calling_code }} || substr({{ digits }}, length({{ trunk }}) + 1)
            when starts_with({{ digits }}, {{ calling_code }}) and length({{ digits }}) >= 11
                then '+' || {{ digits }}
            else '+' || {{ calling_code }} || {{ digits }}
        end
        from '^\+[1-9][0-9]{7,14}$'
    )
{%- endmacro %}
