{#- The expression is true of every row; unknown counts as broken. -#}
{% test holds(model, expression) %}
select 1 as broken
from {{ model }}
where ({{ expression }}) is not true
{% endtest %}
