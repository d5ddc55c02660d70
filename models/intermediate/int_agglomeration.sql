with measures as (

    select * from {{ ref('int_measures') }}

),

sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

sample_cities as (

    select
        output.adcode,
        output.year,
        output.value as real_gdp_cny_10k,
        output.basis as real_gdp_basis,
        area.value as land_area_km2
    from measures as output
    inner join measures as area
        on
            output.adcode = area.adcode
            and output.year = area.year
            and area.measure = 'land_area'
    inner join sample_membership on output.adcode = sample_membership.adcode
    where output.measure = 'real_gdp' and sample_membership.in_sample

),

totals as (

    select
        year,
        sum(real_gdp_cny_10k order by adcode) as total_real_gdp_cny_10k,
        sum(land_area_km2 order by adcode) as total_land_area_km2
    from sample_cities
    group by year

),

-- Ciccone and Hall (1996) as in the paper: the city's share of output over its share of land.
final as (

    select
        sample_cities.adcode,
        sample_cities.year,
        (sample_cities.real_gdp_cny_10k / totals.total_real_gdp_cny_10k)
        / (sample_cities.land_area_km2 / totals.total_land_area_km2) as agglomeration,
        sample_cities.real_gdp_cny_10k,
        sample_cities.real_gdp_basis,
        sample_cities.land_area_km2
    from sample_cities
    inner join totals on sample_cities.year = totals.year
    order by sample_cities.adcode, sample_cities.year

)

select * from final
