with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

nqp_index as (

    select * from {{ ref('int_nqp_index') }}

),

agglomeration as (

    select * from {{ ref('int_agglomeration') }}

),

covariates as (

    select * from {{ ref('int_covariates') }}

),

capital_stock as (

    select * from {{ ref('int_capital_stock') }}

),

joined as (

    select
        frame.adcode,
        frame.year,
        cities.city_name_zh,
        cities.province_code,
        cities.region,
        cities.in_sample,
        nqp_index.nqp,
        nqp_index.nqp_labor,
        nqp_index.nqp_means_of_labor,
        nqp_index.nqp_objects_of_labor,
        nqp_index.nqp_optimal_combination,
        nqp_index.n_indicators,
        (coalesce(frame.year >= cities.bcs_first_year, false))::integer as bcs,
        (coalesce(frame.year >= cities.iic_first_year, false))::integer as iic,
        (coalesce(frame.year >= cities.dual_first_year, false))::integer as dual,
        covariates.marketization,
        covariates.fdi_cny_trillion,
        covariates.tertiary_share,
        covariates.urbanization_percent,
        covariates.fintech,
        agglomeration.agglomeration,
        covariates.innovation,
        covariates.population_persons,
        covariates.population_basis,
        covariates.population_status,
        covariates.gdp_cny_10k,
        agglomeration.real_gdp_cny_10k,
        agglomeration.real_gdp_basis,
        capital_stock.capital_stock_cny_10k,
        covariates.land_area_km2,
        covariates.growth_target_percent,
        covariates.provincial_growth_target_percent,
        cities.is_municipality,
        cities.is_central,
        cities.is_resource_based,
        cities.pilot_group,
        cities.dual_order,
        cities.terrain_relief_proxy,
        covariates.is_large_city,
        covariates.growth_target_is_hard,
        covariates.is_growth_target_raised
    from frame
    inner join cities on frame.adcode = cities.adcode
    left join nqp_index
        on
            frame.adcode = nqp_index.adcode
            and frame.year = nqp_index.year
    left join agglomeration
        on
            frame.adcode = agglomeration.adcode
            and frame.year = agglomeration.year
    left join covariates
        on
            frame.adcode = covariates.adcode
            and frame.year = covariates.year
    left join capital_stock
        on
            frame.adcode = capital_stock.adcode
            and frame.year = capital_stock.year

),

-- One boolean column per sample of the paper: a specification names a column and no estimator filters rows itself.
final as (

    select
        *,
        in_sample as sample_full,
        in_sample and not is_municipality as sample_no_municipalities,
        in_sample and pilot_group in ('never', 'bcs_only') as sample_bcs_only_or_never,
        in_sample and pilot_group in ('never', 'iic_only') as sample_iic_only_or_never,
        in_sample and pilot_group != 'never' as sample_pilot_cities,
        in_sample and pilot_group in ('iic_only', 'dual') as sample_iic_cities,
        in_sample and pilot_group in ('bcs_only', 'dual') as sample_bcs_cities,
        in_sample and (pilot_group in ('bcs_only', 'iic_only') or coalesce(dual_order = 'bcs_first', false))
            as sample_single_and_bcs_first,
        in_sample and (pilot_group in ('bcs_only', 'iic_only') or coalesce(dual_order = 'iic_first', false))
            as sample_single_and_iic_first,
        in_sample and (pilot_group = 'never' or coalesce(dual_order = 'bcs_first', false))
            as sample_never_and_bcs_first,
        in_sample and (pilot_group = 'never' or coalesce(dual_order = 'iic_first', false))
            as sample_never_and_iic_first,
        in_sample and is_resource_based as sample_resource,
        in_sample and not is_resource_based as sample_non_resource,
        in_sample and is_central as sample_central,
        in_sample and not is_central as sample_peripheral,
        in_sample and coalesce(is_large_city, false) as sample_large,
        in_sample and coalesce(not is_large_city, false) as sample_small_medium,
        in_sample and coalesce(not growth_target_is_hard, false) as sample_soft_target,
        in_sample and coalesce(growth_target_is_hard, false) as sample_hard_target,
        in_sample and coalesce(is_growth_target_raised, false) as sample_raised_target,
        in_sample and coalesce(not is_growth_target_raised, false) as sample_not_raised_target
    from joined
    order by adcode, year

)

select * from final
