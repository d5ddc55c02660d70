{#- The text value of one row of study.csv, as a scalar subquery. -#}
{% macro setting(name) -%}
    (select value from {{ ref('int_settings') }} where setting = '{{ name }}')
{%- endmacro %}
