with cities as (

    select * from {{ ref('dim_city') }}

),

city_years as (

    select * from {{ ref('fct_city_year') }}

),

paper_sample as (

    select * from {{ ref('int_paper_sample') }}

),

published as (

    select * from {{ ref('published_sample_counts') }}

),

explanations as (

    select * from {{ ref('count_explanations') }}

),

paper_years as (

    select unnest(generate_series(2011, 2021)) as year

),

-- What the public lists alone give: the reconstructed sample of the paper over its eleven years.
list_city_years as (

    select
        cities.*,
        paper_years.year,
        paper_years.year >= cities.bcs_first_year as is_bcs,
        paper_years.year >= cities.iic_first_year as is_iic,
        paper_years.year >= cities.dual_first_year as is_dual
    from cities
    inner join paper_sample on cities.adcode = paper_sample.adcode
    cross join paper_years
    where paper_sample.in_paper_sample

),

-- What the sample of this build gives.
build_city_years as (

    select
        cities.*,
        city_years.year,
        city_years.bcs = 1 as is_bcs,
        city_years.iic = 1 as is_iic,
        city_years.dual = 1 as is_dual
    from city_years
    inner join cities on city_years.adcode = cities.adcode
    where city_years.sample_full

),

{% for basis in ['list', 'build'] %}
{{ basis }}_counts as (

    unpivot (
        select
            count(distinct adcode) as cities,
            count(distinct adcode) filter (region = 'east') as eastern_cities,
            count(distinct adcode) filter (region = 'central') as central_region_cities,
            count(distinct adcode) filter (region = 'west') as western_cities,
            count(distinct year) as years_2011_2021,
            count(*) as observations,
            count(distinct adcode) filter (bcs_first_year is not null) as bcs_cities,
            count(distinct adcode) filter (iic_first_year is not null) as iic_cities,
            count(distinct adcode) filter (dual_first_year is not null) as dual_cities,
            count(*) filter (is_bcs) as bcs_city_years,
            count(*) filter (is_iic) as iic_city_years,
            count(*) filter (is_dual) as dual_city_years,
            count(*) filter (pilot_group in ('bcs_only', 'never')) as bcs_only_or_never_obs,
            count(*) filter (pilot_group in ('iic_only', 'never')) as iic_only_or_never_obs,
            count(*) filter (pilot_group != 'never') as pilot_city_obs,
            count(*) filter (pilot_group in ('iic_only', 'dual')) as iic_city_obs,
            count(*) filter (pilot_group in ('bcs_only', 'dual')) as bcs_city_obs,
            count(distinct adcode) filter (dual_order = 'bcs_first') as dual_bcs_first_cities,
            count(distinct adcode) filter (dual_order = 'iic_first') as dual_iic_first_cities,
            count(distinct adcode) filter (dual_order = 'same_year') as dual_same_year_cities,
            count(*) filter (pilot_group in ('bcs_only', 'iic_only') or dual_order = 'bcs_first')
                as single_and_bcs_first_obs,
            count(*) filter (pilot_group in ('bcs_only', 'iic_only') or dual_order = 'iic_first')
                as single_and_iic_first_obs,
            count(*) filter (pilot_group = 'never' or dual_order = 'bcs_first') as never_and_bcs_first_obs,
            count(*) filter (pilot_group = 'never' or dual_order = 'iic_first') as never_and_iic_first_obs,
            count(*) filter (not is_municipality) as non_municipality_obs,
            count(*) filter (is_resource_based) as resource_city_obs,
            count(*) filter (not is_resource_based) as non_resource_city_obs,
            count(*) filter (is_central) as central_city_obs,
            count(*) filter (not is_central) as peripheral_city_obs
        from {{ basis }}_city_years
    )
    on columns(*)
    into name count value value

),

{% endfor %}
input_counts as (

    unpivot (
        select
            count(*) filter (sample_large) as large_city_obs,
            count(*) filter (sample_small_medium) as small_medium_city_obs,
            count(*) filter (sample_soft_target) as soft_target_obs,
            count(*) filter (sample_hard_target) as hard_target_obs,
            count(*) filter (sample_raised_target) as raised_target_obs,
            count(*) filter (sample_not_raised_target) as not_raised_target_obs
        from city_years
    )
    on columns(*)
    into name count value value

),

final as (

    select
        published.count,
        explanations.basis,
        published.value::integer as published_value,
        list_counts.value as value_from_lists,
        coalesce(build_counts.value, input_counts.value) as value_in_this_build,
        list_counts.value - published.value::integer as difference_of_lists,
        case
            when explanations.basis = 'input' then 'not determined by the lists'
            when list_counts.value = published.value::integer then 'equal'
            else 'different'
        end as verdict,
        explanations.explanation,
        published.source as published_source
    from published
    left join explanations on published.count = explanations.count
    left join list_counts on published.count = list_counts.count
    left join build_counts on published.count = build_counts.count
    left join input_counts on published.count = input_counts.count
    order by published.source, published.count

)

select * from final
