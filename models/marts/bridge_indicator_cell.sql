with indicator_values as (

    select * from {{ ref('fct_city_year_indicator') }}

),

indicator_needs as (

    select * from {{ ref('int_indicator_needs') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

value_cells as (

    select * from {{ ref('bridge_value_cell') }}

),

-- Investment of all years so far makes the capital stock of a year; every other measure is that of the year.
needed as (

    select distinct
        indicator_values.adcode,
        indicator_values.year,
        indicator_values.indicator,
        measures.measure,
        measures.year as measure_year,
        measures.basis
    from indicator_values
    inner join indicator_needs on indicator_values.indicator = indicator_needs.indicator
    inner join measures
        on
            indicator_values.adcode = measures.adcode
            and indicator_needs.measure = measures.measure
            and (
                indicator_values.year = measures.year
                or (measures.measure = 'real_investment' and measures.year < indicator_values.year)
            )
    where indicator_values.value is not null

),

-- A measure at constant prices is made of the nominal one and its price index.
series_of_measures as (

    select
        * exclude (basis),
        unnest(
            case basis
                when 'gdp at constant prices' then ['gdp', 'gdp_deflator']
                when 'gdp at current prices' then ['gdp']
                when 'fixed_asset_investment at constant prices' then ['fixed_asset_investment', 'investment_price_index']
                when 'fixed_asset_investment at current prices' then ['fixed_asset_investment']
                else [basis]
            end
        ) as series
    from needed

),

final as (

    select
        series_of_measures.adcode,
        series_of_measures.year,
        series_of_measures.indicator,
        series_of_measures.measure,
        series_of_measures.measure_year,
        value_cells.* exclude (adcode, year)
    from series_of_measures
    inner join value_cells
        on
            series_of_measures.adcode = value_cells.adcode
            and series_of_measures.measure_year = value_cells.year
            and series_of_measures.series = value_cells.series
    order by
        series_of_measures.adcode, series_of_measures.year, series_of_measures.indicator,
        series_of_measures.measure, series_of_measures.measure_year, value_cells.series, value_cells.printed_year,
        value_cells.part_adcode, value_cells.header

)

select * from final
