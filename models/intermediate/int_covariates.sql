with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

quantities as (

    select * from {{ ref('int_quantities') }}

),

exchange_rates as (

    select * from {{ ref('exchange_rates') }}

),

variable_coverage as (

    select * from {{ ref('int_variable_coverage') }}

),

wide as (

    select
        adcode,
        year,
        max(value) filter (quantity = 'marketization_index') as marketization_index,
        max(value) filter (quantity = 'fdi') as fdi_usd_10k,
        max(value) filter (quantity = 'tertiary_share') as tertiary_percent,
        max(value) filter (quantity = 'urban_resident_population') as urban_residents,
        max(value) filter (quantity = 'resident_population') as residents,
        max(value) filter (quantity = 'fintech_searches') as fintech_searches,
        max(value) filter (quantity = 'innovation_index') as innovation_index,
        max(value) filter (quantity = 'population') as population_persons,
        max(basis) filter (quantity = 'population') as population_basis,
        max(value_status) filter (quantity = 'population') as population_status,
        max(value) filter (quantity = 'gdp') as gdp_cny_10k,
        max(value) filter (quantity = 'land_area') as land_area_km2,
        max(value) filter (quantity = 'growth_target') as growth_target_percent,
        max(value) filter (quantity = 'provincial_growth_target') as provincial_growth_target_percent,
        max(value) filter (quantity = 'growth_target_is_hard') as growth_target_is_hard
    from quantities
    group by adcode, year

),

coverage as (

    select
        bool_or(is_covered) filter (variable = 'marketization') as marketization,
        bool_or(is_covered) filter (variable = 'fdi') as fdi,
        bool_or(is_covered) filter (variable = 'tertiary_share') as tertiary_share,
        bool_or(is_covered) filter (variable = 'urbanization') as urbanization,
        bool_or(is_covered) filter (variable = 'fintech') as fintech,
        bool_or(is_covered) filter (variable = 'innovation') as innovation
    from variable_coverage

),

-- A variable that the input does not cover is empty as a whole, so that no estimate rests on a few cells of it.
final as (

    select
        frame.adcode,
        frame.year,
        case when coverage.marketization then wide.marketization_index end as marketization,
        -- 10,000 USD × CNY per USD / 10^8 = trillion CNY
        case when coverage.fdi then wide.fdi_usd_10k * exchange_rates.cny_per_usd / 1e8 end as fdi_cny_trillion,
        case when coverage.tertiary_share then wide.tertiary_percent / 100 end as tertiary_share,
        case when coverage.urbanization then 100 * wide.urban_residents / wide.residents end as urbanization_percent,
        case when coverage.fintech then ln(1 + wide.fintech_searches) end as fintech,
        case when coverage.innovation then wide.innovation_index end as innovation,
        wide.population_persons,
        wide.population_basis,
        wide.population_status,
        wide.gdp_cny_10k,
        wide.land_area_km2,
        wide.growth_target_percent,
        wide.provincial_growth_target_percent,
        wide.growth_target_is_hard = 1 as growth_target_is_hard,
        wide.population_persons > {{ setting('large_city_population') }}::double as is_large_city,
        wide.growth_target_percent > wide.provincial_growth_target_percent as is_growth_target_raised
    from frame
    left join wide
        on
            frame.adcode = wide.adcode
            and frame.year = wide.year
    left join exchange_rates on frame.year = exchange_rates.year
    cross join coverage
    order by frame.adcode, frame.year

)

select * from final
