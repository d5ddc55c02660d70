{#- Rows of one key must not hold for the same data year: fails for every pair of rows whose years overlap. -#}
{% test no_overlapping_validity(model, key_columns) %}

with numbered as (

    select
        row_number() over () as row_id,
        {% for column in key_columns -%}
        coalesce({{ column }}::varchar, '') as {{ column }},
        {% endfor -%}
        coalesce(valid_from, 0) as first_year,
        coalesce(valid_to, 9999) as last_year
    from {{ model }}

)

select
    earlier.*,
    later.first_year as other_first_year,
    later.last_year as other_last_year
from numbered as earlier
inner join numbered as later
    on
        earlier.row_id < later.row_id
        {% for column in key_columns -%}
        and earlier.{{ column }} = later.{{ column }}
        {% endfor -%}
        and earlier.first_year <= later.last_year
        and later.first_year <= earlier.last_year

{% endtest %}
