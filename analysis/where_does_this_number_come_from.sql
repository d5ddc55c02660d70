-- From a number to the printed cell: file, sheet, row and column of one city's input over the years.
with inputs as (

    select * from {{ ref('fct_city_year_input') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

final as (

    select
        cities.city_name_zh,
        inputs.year,
        inputs.series,
        inputs.value,
        inputs.unit,
        inputs.value_status,
        inputs.cell_text,
        inputs.file_and_sheet,
        inputs.cell_row,
        inputs.cell_column
    from inputs
    inner join cities on inputs.adcode = cities.adcode
    where cities.city_name_short = '济南' and inputs.series = 'gdp'
    order by inputs.year

)

select * from final
