{#-
    The rows of a seed of the study, in the order of its file or of a column, for models whose columns are rows: samples,
    variables, policies, dimensions. Before the seed is loaded (parsing, linting of a new checkout) there are none.
-#}
{% macro study_rows(seed, order_by='rowid') -%}
    {#- In a unit test ref() names the test's own rows; the columns of a model always come from the seed. -#}
    {%- do ref(seed) -%}
    {%- set relation = adapter.get_relation(database=target.database, schema='seeds', identifier=seed) -%}
    {%- if execute and relation is not none -%}
        {{ return(run_query('select * from ' ~ relation ~ ' order by ' ~ order_by).rows) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}

{#- An expression of the study with every {setting} replaced by its number. -#}
{% macro study_expression(text) -%}
    {{ modules.re.sub(
        '\{(\w+)\}',
        '(select value::double from ' ~ ref('settings') ~ " where setting = '\\1')",
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
    max(first_treated_year) filter (policy_id = '{{ policy.policy_id }}') as {{ policy.policy_id }}_first_year{{ ',' if not loop.last }}
    {% endfor %}
{%- endmacro %}
