{%- set policies = study_rows('stg_policies', 'policy_id', 'staging') | selectattr('role', 'equalto', 'study') | list -%}
{%- set variables = study_rows('variables', 'position') | selectattr('expression') | list -%}
{%- set samples = study_rows('samples') -%}
{%- set dimensions = study_rows('indicators', 'position') | map(attribute='dimension') | unique | list -%}
{%- set index_name = study_setting('index_name') -%}
with city_years as (

    select * from {{ ref('fct_city_year') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

measures as (

    select * from {{ ref('int_city_year_measures') }}

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

joined as (

    select
        city_years.*,
        cities.is_municipality,
        cities.is_provincial_capital,
        cities.is_central,
        cities.is_resource_based,
        cities.terrain_relief_proxy,
        measures.* exclude (
            adcode, year, population_basis, population_status, real_gdp_cny_10k, real_gdp_basis, capital_stock_cny_10k,
            agglomeration
        ),
        index_values.index_value,
        index_values.n_indicators,
        dimension_values.* exclude (adcode, year),
        treatments.* exclude (adcode, year),
        coverage.* exclude (n_variables)
    from city_years
    inner join cities on city_years.adcode = cities.adcode
    left join measures
        on
            city_years.adcode = measures.adcode
            and city_years.year = measures.year
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
    cross join coverage

),

-- A variable that the input does not cover is empty as a whole, so that no estimate rests on a few cells of it.
described as (

    select
        {% for row in variables -%}
        case when covers_{{ row.variable }} then {{ study_expression(row.expression) }} end as {{ row.column_name }},
        {% endfor -%}
        {% for policy in policies -%}
        {{ policy.policy_id }},
        {{ policy.policy_id }}_first_year,
        {% endfor -%}
        {% for dimension in dimensions -%}
        {{ index_name }}_{{ dimension }},
        {% endfor -%}
        n_indicators,
        adcode,
        year,
        city_name_zh,
        province_code,
        region,
        in_sample,
        population_persons,
        population_basis,
        population_status,
        gdp_cny_10k,
        real_gdp_cny_10k,
        real_gdp_basis,
        capital_stock_cny_10k,
        land_area_km2,
        is_municipality,
        is_provincial_capital,
        is_central,
        is_resource_based,
        terrain_relief_proxy
    from joined

),

-- One boolean column per sample: a specification names a column and no estimator filters rows itself.
final as (

    select
        {% for row in samples -%}
        coalesce(in_sample and ({{ study_expression(row.condition) }}), false) as {{ row.sample }},
        {% endfor -%}
        *
    from described
    order by adcode, year

)

select * from final
