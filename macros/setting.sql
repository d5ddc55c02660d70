{#- The text value of one row of seeds/study/settings.csv, as a scalar subquery. -#}
{% macro setting(name) -%}
    (select value from {{ ref('settings') }} where setting = '{{ name }}')
{%- endmacro %}
