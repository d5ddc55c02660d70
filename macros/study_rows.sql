{#-
    The rows of a seed of the study, in the order of its file or of a column, for models whose columns are rows: samples,
    variables, policies, dimensions. Before the seed is loaded (parsing, linting of a new checkout) there are none.
-#}
{% macro study_rows(seed, order_by='position', schema='staging') -%}
    {#- A unit test knows only the rows that it gives; the columns of a model always come from the seed. -#}
    {%- if model is defined and model.resource_type != 'unit_test' -%}
        {%- do ref(seed) -%}
    {%- endif -%}
    {%- if execute -%}
        {%- set relation = adapter.get_relation(database=target.database, schema=schema, identifier=seed) -%}
        {%- if relation is not none -%}
            {{ return(run_query('select * from ' ~ relation ~ ' order by ' ~ order_by).rows) }}
        {%- endif -%}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}

{#- An expression of the study with every {setting} replaced by its number; a setting that does not exist is an error, not NULL. -#}
{% macro study_expression(text) -%}
    {{ modules.re.sub(
        '\{(\w+)\}',
        "(select if(count(*) = 1, max(value::double), error('The setting \\1, which an expression names, is not in settings.csv.'))"
        ~ ' from ' ~ ref('int_settings') ~ " where setting = '\\1')",
        text
    ) }}
{%- endmacro %}

{#-
    For every policy of the study, from rows of fct_city_policy_year by city and year: whether it treats (0 or 1) and since
    when.
-#}
{% macro treatment_columns(policies) -%}
    {% for policy in policies -%}
    (max(is_treated::integer) filter (policy_id = '{{ policy.policy_id }}'))::integer as {{ policy.policy_id }},
    max(first_treated_year) filter (policy_id = '{{ policy.policy_id }}') as {{ policy.policy_id }}_first_year,
    {% endfor %}
{%- endmacro %}

{#- The value of a setting as the model is written, for names of columns. -#}
{% macro study_setting(name) -%}
    {%- set settings = study_rows('int_settings', 'setting', 'intermediate') -%}
    {%- set values = settings | selectattr('setting', 'equalto', name) | map(attribute='value') | select | list -%}
    {%- if settings and not values -%}
        {{ exceptions.raise_compiler_error('The setting ' ~ name ~ ' is not in settings.csv, or blank.') }}
    {%- endif -%}
    {{ return(values[0] if values else name) }}
{%- endmacro %}

{#- Gives the columns of fct_study_panel that are rows of the study the names of these rows as comments. -#}
{% macro comment_on_study_columns() -%}
    {%- set comments = {} -%}
    {%- for row in study_rows('stg_variables') -%}
        {%- do comments.update({row.column_name: row.name_en ~ ' (' ~ (row.unit or '') ~ ')'}) -%}
    {%- endfor -%}
    {%- for row in study_rows('stg_policies', 'policy_id') if row.role == 'study' -%}
        {%- do comments.update({row.policy_id: row.name_en ~ ' (0/1)'}) -%}
        {%- do comments.update({row.policy_id ~ '_first_year': 'First year of: ' ~ row.name_en}) -%}
    {%- endfor -%}
    {%- for row in study_rows('stg_indicators') -%}
        {%- do comments.update({study_setting('index_name') ~ '_' ~ row.dimension: 'Dimension of the index: ' ~ row.dimension_en}) -%}
    {%- endfor -%}
    {%- for row in study_rows('stg_samples') -%}
        {%- do comments.update({row.sample: 'Sample: ' ~ row.name_en}) -%}
    {%- endfor -%}
    {%- for column, comment in comments.items() %}
    comment on column {{ this }}.{{ column }} is '{{ comment | replace("'", "''") }}';
    {%- endfor -%}
{%- endmacro %}

{#-
    The columns of the input that an expression may name: the measures of the yearbook, or the columns of the study's own
    panel. The relation is that of the database; a unit test has the same columns.
-#}
{% macro study_input_columns() -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- set relation = adapter.get_relation(
            database=target.database,
            schema='staging' if var('source') == 'panel' else 'intermediate',
            identifier='stg_panel' if var('source') == 'panel' else 'int_city_year_measures'
        ) -%}
        {%- if relation is not none -%}
            {%- for column in adapter.get_columns_in_relation(relation) if column.name not in ('adcode', 'year') -%}
                {%- do names.append(column.name) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{#- The columns that describe a city-year in fct_study_panel beside adcode and year. -#}
{% macro study_described_columns(policies, dimensions, index_name) -%}
    {%- set names = [
        'city_name_zh', 'province_code', 'region', 'in_sample', 'population_persons', 'population_basis', 'population_status',
        'gdp_cny_10k', 'real_gdp_cny_10k', 'real_gdp_basis', 'capital_stock_cny_10k', 'land_area_km2', 'is_municipality',
        'is_provincial_capital', 'is_central', 'is_resource_based', 'terrain_relief_proxy', 'n_indicators'
    ] -%}
    {%- for policy in policies -%}
        {%- do names.extend([policy.policy_id, policy.policy_id ~ '_first_year']) -%}
    {%- endfor -%}
    {%- for dimension in dimensions -%}
        {%- do names.append(index_name ~ '_' ~ dimension) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- Names as SQL texts in lower case, for a list in brackets. -#}
{% macro sql_texts(names) -%}
    {%- for name in names -%}
        '{{ name | lower }}'{{ ', ' if not loop.last }}
    {%- else -%}
        ''
    {%- endfor -%}
{%- endmacro %}

{#-
    The value of a variable. A column of a regression is a finite number or missing: a logarithm of zero and a division by
    zero give no value, and results.summary_statistics counts what is missing.
-#}
{% macro study_value(row) -%}
    {%- set expression = study_expression(row.expression) -%}
    {%- if row.role in ('group', 'measure') -%}
        {{ expression }}
    {%- else -%}
        {#- DuckDB's try knows no windows. -#}
        {%- set number = '(' ~ expression ~ ')::double' if ' over' in expression | lower else 'try((' ~ expression ~ ')::double)' -%}
        if(isfinite({{ number }}), {{ number }}, null)
    {%- endif -%}
{%- endmacro %}
