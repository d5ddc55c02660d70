{#- The key of a model: fails for every combination of the columns that occurs more than once or is incomplete. -#}
{% test unique_combination(model, columns, nullable=[]) %}

select
    {{ (columns + nullable) | join(', ') }},
    count(*) as n_rows
from {{ model }}
group by {{ (columns + nullable) | join(', ') }}
having
    count(*) > 1
    {% for column in columns -%}
    or {{ column }} is null
    {% endfor %}

{% endtest %}
