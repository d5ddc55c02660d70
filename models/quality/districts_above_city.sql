with city_year_series as (

    select * from {{ ref('fct_city_year_series') }}

),

series as (

    select * from {{ ref('series') }}

),

pairs as (

    select
        city.part_adcode,
        city.adcode,
        city.year,
        city.series,
        city.value as city_value,
        districts.value as districts_value,
        districts.value / nullif(city.value, 0) as ratio,
        city.file as city_file,
        city.sheet as city_sheet,
        city."row" as city_row,
        city."column" as city_column,
        districts.file as districts_file,
        districts.sheet as districts_sheet,
        districts."row" as districts_row,
        districts."column" as districts_column
    from city_year_series as city
    inner join city_year_series as districts
        on
            city.part_adcode = districts.part_adcode
            and city.year = districts.year
            and city.series = districts.series
    inner join series on city.series = series.series
    where
        series.additive
        and city.scope = 'city'
        and districts.scope = 'districts'

),

-- The districts are a part of the city; a thousandth is rounding.
final as (

    select * from pairs
    where districts_value - city_value > 0.001 * abs(city_value)
    order by series, part_adcode, year

)

select * from final
