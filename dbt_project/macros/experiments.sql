{#- The variance of a mean from the sums over `people` persons; null for fewer than two. -#}
{% macro variance_of_mean(people, total, squares) -%}
    (
        greatest({{ squares }} - {{ total }}::double precision ^ 2 / nullif({{ people }}, 0), 0)
        / nullif({{ people }} - 1, 0) / nullif({{ people }}, 0)
    )
{%- endmacro %}

{#-
    A link as it may be shown: without query, fragment and user, and with ids, tokens and addresses in its path struck
    out. They can name a person, and would make a link of its own for everybody.
-#}
{% macro public_link(url) -%}
    {%- set cuts = [
        ("[?#].*$", ""),
        ("^(https?://)[^/@]*@", "\\1"),
        ("/[^/]*(@|%40)[^/]*", "/…"),
        ("/[0-9a-f]{8}\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+(?=/|$)", "/…"),
        ("/[0-9a-fA-F-]{24,}(?=/|$)", "/…"),
        ("/(?=[^/]*[0-9])(?=[^/]*[A-Z])[A-Za-z0-9_.~-]{24,}(?=/|$)", "/…"),
        ("/+$", ""),
    ] -%}
    {%- set link = namespace(sql=url) -%}
    {%- for pattern, instead in cuts -%}
        {%- set link.sql = "regexp_replace(" ~ link.sql ~ ", '" ~ pattern ~ "', '" ~ instead ~ "', 'g')" -%}
    {%- endfor -%}
    case when {{ url }} ~* '^https?://' then {{ link.sql }} end
{%- endmacro %}
