{#-
What engines write differently. Everything else in the portable SQL is the same text on DuckDB, Spark and PostgreSQL.
A macro here is dispatched by dbt; the default is DuckDB's form.
-#}

{#- An expression that ends the query with a sentence as soon as it is evaluated. -#}
{% macro raise_error(sentence) -%}
{{ adapter.dispatch('raise_error')(sentence) }}
{%- endmacro %}

{% macro default__raise_error(sentence) -%}
error({{ sentence }})
{%- endmacro %}

{% macro spark__raise_error(sentence) -%}
raise_error({{ sentence }})
{%- endmacro %}

{#- PostgreSQL has no function that raises: a sentence is no number, and the error quotes it. The random prefix of length
zero keeps the planner from evaluating a constant sentence before any row is read. -#}
{% macro postgres__raise_error(sentence) -%}
({{ sentence }} || left(random()::text, 0))::double precision
{%- endmacro %}

{#- The hint that a common table expression is computed once. Spark and the planner's own choice need none. -#}
{% macro computed_once(once) -%}
{{ adapter.dispatch('computed_once')(once) }}
{%- endmacro %}

{% macro default__computed_once(once) -%}
{{ 'materialized' if once else 'not materialized' }}
{%- endmacro %}

{% macro spark__computed_once(once) -%}
{%- endmacro %}

{#- The bit at a position, counted from 0, as a whole number of 64 bits. -#}
{% macro bit_at(position) -%}
{{ adapter.dispatch('bit_at')(position) }}
{%- endmacro %}

{% macro default__bit_at(position) -%}
(1::bigint << ({{ position }})::integer)
{%- endmacro %}

{% macro spark__bit_at(position) -%}
shiftleft(1L, cast({{ position }} as int))
{%- endmacro %}

{#- How many bits of a whole number are set. -#}
{% macro bits_set(number) -%}
{{ adapter.dispatch('bits_set')(number) }}
{%- endmacro %}

{% macro default__bits_set(number) -%}
bit_count({{ number }})
{%- endmacro %}

{% macro postgres__bits_set(number) -%}
bit_count(({{ number }})::bit(64))
{%- endmacro %}

{#- The name of the type of texts. -#}
{% macro text_type() -%}
{{ adapter.dispatch('text_type')() }}
{%- endmacro %}

{% macro default__text_type() -%}
varchar
{%- endmacro %}

{% macro spark__text_type() -%}
string
{%- endmacro %}

{#- The name of numbers of 64 bits. -#}
{% macro double_type() -%}
{{ adapter.dispatch('double_type')() }}
{%- endmacro %}

{% macro default__double_type() -%}
double
{%- endmacro %}

{% macro postgres__double_type() -%}
double precision
{%- endmacro %}
