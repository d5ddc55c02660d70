{#- Make every input a view of its mapped columns, as text but for a panel of numbers, under the
names of this project. No other column is read. -#}
{% macro read_inputs() -%}
{%- if execute and flags.WHICH in ['build', 'run', 'test'] -%}
{%- for name, input in var('inputs').items() -%}
{%- for statement in adapter.dispatch('input_statements')(name, input) -%}
{%- do run_query(statement) -%}
{%- endfor -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}

{#- The statements that make one input: {folder, format, numbers, columns: {name: column of
the file, or none}}. Columns that hold numbers keep their type. -#}
{% macro default__input_statements(name, input) -%}
{%- set columns = [] -%}
{%- for column, header in input.columns.items() -%}
{%- do columns.append(
    ('null' if header is none else '"' ~ header | replace('"', '""') ~ '"') ~ ('' if input.numbers else '::varchar') ~ ' as ' ~ column
) -%}
{%- endfor -%}
{%- set files = input.folder | replace("'", "''") -%}
{%- if input.format == 'parquet' -%}
{%- set relation = "read_parquet('" ~ files ~ "/**/*.parquet', union_by_name = true, hive_partitioning = false)" -%}
{%- else -%}
{%- set relation = "read_csv('" ~ files ~ "/**/*.csv', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', "
    ~ "nullstr = '', union_by_name = true, strict_mode = true, hive_partitioning = false)" -%}
{%- endif -%}
{{ return([
    'create or replace view ' ~ target.schema ~ '.input_' ~ name ~ ' as select ' ~ columns | join(', ') ~ ' from ' ~ relation
]) }}
{%- endmacro %}

{% macro spark__input_statements(name, input) -%}
{%- set columns = [] -%}
{%- for column, header in input.columns.items() -%}
{%- do columns.append(
    ('null' if header is none else '`' ~ header | replace('`', '``') ~ '`') ~ ('' if input.numbers else '::string') ~ ' as ' ~ column
) -%}
{%- endfor -%}
{%- set raw = target.schema ~ '.files_' ~ name -%}
{%- set path = "path '" ~ input.folder | replace("\\", "\\\\") | replace("'", "\\'") ~ "', recursiveFileLookup 'true'" -%}
{%- if input.format == 'parquet' -%}
{%- set options = 'using parquet options (' ~ path ~ ", mergeSchema 'true', pathGlobFilter '*.parquet')" -%}
{%- else -%}
{%- set options = 'using csv options (' ~ path ~ ", pathGlobFilter '*.csv', header 'true', multiLine 'true', quote '\"', escape '\"', "
    ~ "mode 'FAILFAST', enforceSchema 'false')" -%}
{%- endif -%}
{{ return([
    'create schema if not exists ' ~ target.schema,
    'drop table if exists ' ~ raw,
    'create table ' ~ raw ~ ' ' ~ options,
    'create or replace view ' ~ target.schema ~ '.input_' ~ name ~ ' as select ' ~ columns | join(', ') ~ ' from ' ~ raw
]) }}
{%- endmacro %}
