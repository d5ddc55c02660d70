{%- set policies = study_rows('stg_policies', 'policy_id') | selectattr('role', 'equalto', 'study') | list -%}
{%- set variables = study_rows('stg_variables') | selectattr('expression') | list -%}
{%- set samples = study_rows('stg_samples') -%}
{%- set dimensions = study_rows('stg_indicators') | map(attribute='dimension') | unique | list -%}
{%- set index_name = study_setting('index_name') -%}
{%- set measures = ref('stg_panel') if var('source') == 'panel' else ref('int_city_year_measures') -%}
{%- set input_columns = study_input_columns() -%}
{%- set described_columns = study_described_columns(policies, dimensions, index_name) -%}
with city_years as (

    select * from {{ ref('fct_city_year') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

-- What the study starts from: the measures of the yearbook, or the columns of its own panel.
measures as (

    select * from {{ measures }}

),

index_values as (

    select * from {{ ref('int_index') }}

),

index_dimensions as (

    select * from {{ ref('int_index_dimensions') }}

),

policy_years as (

    select * from {{ ref('fct_city_policy_year') }}

),

variable_coverage as (

    select * from {{ ref('int_variable_coverage') }}

),

treatments as (

    select
        {{ treatment_columns(policies) }}
        adcode,
        year
    from policy_years
    group by adcode, year

),

dimension_values as (

    select
        {% for dimension in dimensions -%}
        max(value) filter (dimension = '{{ dimension }}') as {{ index_name }}_{{ dimension }},
        {% endfor -%}
        adcode,
        year
    from index_dimensions
    group by adcode, year

),

coverage as (

    select
        {% for row in variables -%}
        bool_or(is_covered) filter (variable = '{{ row.variable }}') as covers_{{ row.variable }},
        {% endfor -%}
        count(*) as n_variables
    from variable_coverage

),

-- What describes a city-year in every study.
described as (

    select
        city_years.* exclude (agglomeration),
        cities.is_municipality,
        cities.is_provincial_capital,
        cities.is_central,
        cities.is_resource_based,
        cities.terrain_relief_proxy,
        treatments.* exclude (adcode, year),
        dimension_values.* exclude (adcode, year),
        index_values.n_indicators
    from city_years
    inner join cities on city_years.adcode = cities.adcode
    left join index_values
        on
            city_years.adcode = index_values.adcode
            and city_years.year = index_values.year
    left join dimension_values
        on
            city_years.adcode = dimension_values.adcode
            and city_years.year = dimension_values.year
    left join treatments
        on
            city_years.adcode = treatments.adcode
            and city_years.year = treatments.year

),

-- What an expression may name: a column of the input goes before one that describes a city-year.
inputs as (

    select
        described.adcode,
        described.year,
        described.in_sample as city_policy_in_sample,
        {% for column in input_columns -%}
        measures."{{ column }}",
        {% endfor -%}
        {% for column in described_columns | reject('in', input_columns | map('lower') | list) -%}
        described.{{ column }},
        {% endfor -%}
        index_values.index_value,
        coverage.* exclude (n_variables)
    from described
    left join measures
        on
            described.adcode = measures.adcode
            and described.year = measures.year
    left join index_values
        on
            described.adcode = index_values.adcode
            and described.year = index_values.year
    cross join coverage

),

-- A variable that the input does not cover is empty as a whole, so that no estimate rests on a few cells of it.
computed as (

    select
        {% for row in variables -%}
        case when covers_{{ row.variable }} then {{ study_value(row) }} end as {{ row.column_name }},
        {% endfor -%}
        columns(lambda c: lower(c) not in ({{ sql_texts(variables | map(attribute='column_name')) }}))
    from inputs

),

-- One boolean column per sample: a specification names a column and no estimator filters rows itself.
sampled as (

    select
        {% for row in samples -%}
        coalesce(city_policy_in_sample and ({{ study_expression(row.condition) }}), false) as {{ row.sample }},
        {% endfor -%}
        {% for row in variables -%}
        {{ row.column_name }},
        {% endfor -%}
        adcode,
        year
    from computed

),

final as (

    select
        sampled.* exclude (adcode, year),
        described.*
    from described
    inner join sampled
        on
            described.adcode = sampled.adcode
            and described.year = sampled.year
    order by described.adcode, described.year

)

select * from final
