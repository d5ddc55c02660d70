{#- A text without blanks; one that says nothing is null. -#}
{% macro cleaned(column) -%}
nullif(nullif(translate({{ column }}, ' 　', ''), ''), '-')
{%- endmacro %}

{#- The year at the beginning of a date, whatever the date's form; null where there is none. -#}
{% macro year_of(column) -%}
cast(nullif(regexp_extract({{ column }}, '^((19|20)[0-9][0-9])', 1), '') as integer)
{%- endmacro %}

{#- A date as a number (20160301), from 2016-03-01, 2016/3/1, 20160301 or 2016年3月1日; null where it is none of these. -#}
{% macro day_of(column) -%}
{%- set date = "'^((19|20)[0-9][0-9])[^0-9]?([0-9][0-9]?)[^0-9]?([0-9][0-9]?)'" -%}
cast(nullif(regexp_extract({{ column }}, {{ date }}, 1), '') as integer) * 10000
+ cast(nullif(regexp_extract({{ column }}, {{ date }}, 3), '') as integer) * 100
+ cast(nullif(regexp_extract({{ column }}, {{ date }}, 4), '') as integer)
{%- endmacro %}

{#- An IPC symbol without blanks as a text that sorts as the classification does: H01L31/04 is H01L0031/04. A class or subclass
stands for itself; null is what is no symbol. -#}
{% macro ipc_sort_key(column) -%}
{%- set symbol = "'^([A-H][0-9][0-9][A-Z])0*([0-9]+)/([0-9]+)'" -%}
case
    when regexp_extract({{ column }}, {{ symbol }}, 1) != '' then
        regexp_extract({{ column }}, {{ symbol }}, 1)
        || lpad(regexp_extract({{ column }}, {{ symbol }}, 2), 4, '0')
        || '/' || regexp_extract({{ column }}, {{ symbol }}, 3)
    else nullif(regexp_extract({{ column }}, '^([A-H][0-9][0-9][A-Z]?)$', 1), '')
end
{%- endmacro %}

{#- One row per part of a list in a text, between the semicolons. -#}
{% macro each_part(column) -%}
{{ adapter.dispatch('each_part')(column) }}
{%- endmacro %}

{% macro default__each_part(column) -%}
unnest(string_split({{ column }}, ';'))
{%- endmacro %}

{% macro spark__each_part(column) -%}
explode(split({{ column }}, ';'))
{%- endmacro %}
