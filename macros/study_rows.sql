{#-
    The rows of a seed of the study, in the order of its file or of a column, for models whose columns are rows: samples,
    variables, policies, dimensions. Before the seed is loaded (parsing, linting of a new checkout) there are none.
-#}
{% macro study_rows(seed, order_by='rowid', schema='seeds') -%}
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
        ~ ' from ' ~ ref('settings') ~ " where setting = '\\1')",
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
    {%- set settings = study_rows('settings') -%}
    {%- set values = settings | selectattr('setting', 'equalto', name) | map(attribute='value') | select | list -%}
    {%- if settings and not values -%}
        {{ exceptions.raise_compiler_error('The setting ' ~ name ~ ' is not in settings.csv, or blank.') }}
    {%- endif -%}
    {{ return(values[0] if values else name) }}
{%- endmacro %}

{#- Gives the columns of fct_study_panel that are rows of the study the names of these rows as comments. -#}
{% macro comment_on_study_columns() -%}
    {%- set comments = {} -%}
    {%- for row in study_rows('variables', 'position') -%}
        {%- do comments.update({row.column_name: row.name_en ~ ' (' ~ (row.unit or '') ~ ')'}) -%}
    {%- endfor -%}
    {%- for row in study_rows('stg_policies', 'policy_id', 'staging') if row.role == 'study' -%}
        {%- do comments.update({row.policy_id: row.name_en ~ ' (0/1)'}) -%}
        {%- do comments.update({row.policy_id ~ '_first_year': 'First year of: ' ~ row.name_en}) -%}
    {%- endfor -%}
    {%- for row in study_rows('indicators', 'position') -%}
        {%- do comments.update({study_setting('index_name') ~ '_' ~ row.dimension: 'Dimension of the index: ' ~ row.dimension_en}) -%}
    {%- endfor -%}
    {%- for row in study_rows('samples') -%}
        {%- do comments.update({row.sample: 'Sample: ' ~ row.name_en}) -%}
    {%- endfor -%}
    {%- for column, comment in comments.items() %}
    comment on column {{ this }}.{{ column }} is '{{ comment | replace("'", "''") }}';
    {%- endfor -%}
{%- endmacro %}
