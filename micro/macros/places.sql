{#- The years whose names of places are asked for. -#}
{% macro place_years() -%}
{%- set years = [var('address_year') or var('last_year')] -%}
{%- for year in range(var('first_year'), var('last_year') + 1) -%}
{%- if year not in years -%}{%- do years.append(year) -%}{%- endif -%}
{%- endfor -%}
{{ return(years | sort) }}
{%- endmacro %}

{#- The joins that find every beginning of an address that is a name of int_place_names: on equality only, one per length. -#}
{% macro place_joins(relation, text, year) -%}
{%- for length in range(2, var('longest_place_name', 23) + 1) %}
left join place_names as names_{{ length }}
    on names_{{ length }}.name_length = {{ length }}
    and names_{{ length }}.name = substr({{ relation }}.{{ text }}, 1, {{ length }})
    and names_{{ length }}.year = {{ year }}
{%- endfor %}
{%- endmacro %}

{#- The answer of the longest name that place_joins found. -#}
{% macro place_answer() -%}
coalesce({% for length in range(var('longest_place_name', 23), 1, -1) %}names_{{ length }}.address_answer{{ '' if loop.last else ', ' }}{% endfor %})
{%- endmacro %}

{#- One answer of two, that of the columns of province and city and that of the address: where both name a city, it must
be the same one. -#}
{% macro agreed_place(cell, address) -%}
case
    when {{ cell }} in ('ambiguous', 'unknown') or {{ cell }} is null then coalesce(
        case when {{ address }} in ('ambiguous', 'unknown') then null else {{ address }} end,
        case when 'ambiguous' in ({{ cell }}, {{ address }}) then 'ambiguous' end,
        'unknown'
    )
    when {{ address }} in ('ambiguous', 'unknown', {{ cell }}) or {{ address }} is null then {{ cell }}
    else 'ambiguous'
end
{%- endmacro %}
