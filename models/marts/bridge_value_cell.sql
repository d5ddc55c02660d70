with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

printed_values as (

    select * from {{ ref('int_printed_values') }}

),

unit_values as (

    select * from {{ ref('int_unit_values') }}

),

series as (

    select * from {{ ref('series') }}

),

citations as (

    select * from {{ ref('cln_citations') }}

),

-- The printed years that a value was made from: its own, or the neighbours in time between which it was filled.
sources as (

    select
        adcode,
        year,
        series,
        value_status,
        unnest(
            case value_status
                when 'interpolated' then [earlier_year, later_year]
                when 'carried' then [coalesce(earlier_year, later_year)]
                when 'missing' then []
                else [year]
            end
        ) as printed_year
    from filled_values

),

-- A value of a merged unit is the sum of its parts; where it cannot be added it is that of the successor alone.
cells_of_values as (

    select
        unit_values.*,
        printed_values.year as printed_year
    from printed_values
    inner join unit_values
        on
            printed_values.adcode = unit_values.adcode
            and printed_values.series = unit_values.series
            and printed_values.year = unit_values.data_year
    inner join series on printed_values.series = series.series
    where series.additive or unit_values.part_adcode = unit_values.adcode

),

-- The residents by whom the yearbook divided are made of two cells, and the second is that of gross regional product.
products as (

    select
        product.* replace (implied.series as series),
        implied.printed_year
    from cells_of_values as implied
    inner join unit_values as product
        on
            implied.part_adcode = product.part_adcode
            and implied.data_year = product.data_year
            and implied.source = product.source
    where implied.series = 'resident_population_implied' and product.series = 'gdp'

),

cells as (

    select * from cells_of_values
    union all
    select * from products

),

final as (

    select
        sources.adcode,
        sources.year,
        sources.series,
        sources.value_status,
        sources.printed_year,
        cells.part_adcode,
        cells.city_raw,
        cells.value as cell_value,
        cells.unit,
        cells.cell_text,
        cells.source,
        cells.edition,
        cells.table_title,
        cells.header,
        cells.file,
        cells.sheet,
        cells."row",
        cells."column",
        citations.citation
    from sources
    inner join cells
        on
            sources.adcode = cells.adcode
            and sources.series = cells.series
            and sources.printed_year = cells.printed_year
    left join citations
        on
            cells.source = 'supplementary'
            and cells.file = citations.file
            and cells."row" = citations."row"
    order by sources.adcode, sources.year, sources.series, sources.printed_year, cells.part_adcode, cells.header

)

select * from final
