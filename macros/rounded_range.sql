{# Smallest and largest value of a group as words: '0.7 to 0.9', or '0.7' where both round to the same number. #}
{%- macro rounded_range(expression, decimals) -%}
{%- set type = 'integer' if decimals == 0 else 'double' -%}
{%- set least = 'round(min(' ~ expression ~ '), ' ~ decimals ~ ')::' ~ type -%}
{%- set most = 'round(max(' ~ expression ~ '), ' ~ decimals ~ ')::' ~ type -%}
{{ least }} || if({{ most }} > {{ least }}, ' to ' || {{ most }}, '')
{%- endmacro -%}
