-- Which printed cells make the index of one city and year, indicator by indicator.
with bridge as (

    select * from {{ ref('bridge_indicator_cell') }}

),

contributions as (

    select * from {{ ref('fct_city_year_indicator') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

final as (

    select
        bridge.indicator,
        contributions.contribution,
        bridge.measure,
        bridge.measure_year,
        bridge.series,
        bridge.value_status,
        bridge.printed_year,
        bridge.city_raw,
        bridge.cell_text,
        bridge.file,
        bridge."row",
        bridge."column"
    from bridge
    inner join contributions
        on
            bridge.adcode = contributions.adcode
            and bridge.year = contributions.year
            and bridge.indicator = contributions.indicator
    inner join cities on bridge.adcode = cities.adcode
    where cities.city_name_short = '济南' and bridge.year = 2011
    order by
        contributions.contribution desc, bridge.indicator, bridge.measure, bridge.measure_year, bridge.series,
        bridge.printed_year, bridge.city_raw, bridge.file, bridge."row", bridge."column"

)

select * from final
