{#- The folder of the landing Parquet files, below the one directory that CITY_POLICY_DATA moves. -#}
{% macro landing_directory() -%}
    {{ env_var('CITY_POLICY_DATA', 'data') }}/landing
{%- endmacro %}
