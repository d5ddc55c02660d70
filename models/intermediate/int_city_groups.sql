with cities as (

    select * from {{ ref('stg_cities') }}

),

timing as (

    select * from {{ ref('int_treatment_timing') }}

),

resource_based_cities as (

    select * from {{ ref('resource_based_cities') }}

),

central_cities as (

    select * from {{ ref('central_cities') }}

),

terrain_relief as (

    select * from {{ ref('terrain_relief') }}

),

first_years as (

    select
        adcode,
        max(first_treated_year) filter (policy_id = 'bcs') as bcs_first_year,
        max(first_treated_year) filter (policy_id = 'iic') as iic_first_year,
        max(first_treated_year) filter (policy_id = 'dual') as dual_first_year
    from timing
    group by adcode

),

final as (

    select
        cities.adcode,
        first_years.bcs_first_year,
        first_years.iic_first_year,
        first_years.dual_first_year,
        case
            when first_years.dual_first_year is not null then 'dual'
            when first_years.bcs_first_year is not null then 'bcs_only'
            when first_years.iic_first_year is not null then 'iic_only'
            else 'never'
        end as pilot_group,
        case
            when first_years.dual_first_year is null then null
            when first_years.bcs_first_year < first_years.iic_first_year then 'bcs_first'
            when first_years.bcs_first_year > first_years.iic_first_year then 'iic_first'
            else 'same_year'
        end as dual_order,
        resource_based_cities.class_en as resource_class,
        coalesce(
            list_contains(
                string_split({{ setting('resource_city_classes') }}, ' '), resource_based_cities.class_en
            ),
            false
        ) as is_resource_based,
        central_cities.adcode is not null as is_central,
        terrain_relief.relief_proxy as terrain_relief_proxy
    from cities
    left join first_years on cities.adcode = first_years.adcode
    left join resource_based_cities on cities.adcode = resource_based_cities.adcode
    left join central_cities on cities.adcode = central_cities.adcode
    left join terrain_relief on cities.adcode = terrain_relief.adcode
    where cities.is_prefecture_city_or_above
    order by cities.adcode

)

select * from final
