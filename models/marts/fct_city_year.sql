with measures as (

    select * from {{ ref('int_city_year_measures') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

final as (

    select
        measures.adcode,
        measures.year,
        cities.city_name_zh,
        cities.province_code,
        cities.region,
        cities.in_sample,
        measures.population as population_persons,
        measures.population_basis,
        measures.population_status,
        measures.gdp as gdp_cny_10k,
        measures.real_gdp_cny_10k,
        measures.real_gdp_basis,
        measures.capital_stock_cny_10k,
        measures.land_area as land_area_km2,
        measures.agglomeration
    from measures
    inner join cities on measures.adcode = cities.adcode
    order by measures.adcode, measures.year

)

select * from final
