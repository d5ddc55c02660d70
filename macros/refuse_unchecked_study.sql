{#-
    dbt overwrites seed files that lie outside the project. Only a copy, which city-policy makes and marks, may be named by
    CITY_POLICY_CHECKED_STUDY.
-#}
{% macro refuse_unchecked_study() -%}
    {%- set folder = env_var('CITY_POLICY_CHECKED_STUDY', '') -%}
    {%- if execute and folder -%}
        {%- set found = run_query("select count(*) from glob('" ~ folder | replace("'", "''") ~ "/CHECKED')") -%}
        {%- if found.columns[0].values()[0] == 0 -%}
            {{ exceptions.raise_compiler_error(
                folder ~ ' is no copy that city-policy made, and dbt would overwrite its files; run: city-policy build --study '
                ~ folder
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
