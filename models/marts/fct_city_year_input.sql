with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

series as (

    select * from {{ ref('series') }}

),

final as (

    select
        filled_values.adcode,
        filled_values.year,
        filled_values.series,
        series.canonical_unit as unit,
        filled_values.printed_value,
        filled_values.value,
        filled_values.value_status,
        filled_values.missing_reason,
        filled_values.earlier_year,
        filled_values.later_year,
        filled_values.source,
        filled_values.edition,
        filled_values.file_and_sheet,
        filled_values.cell_row,
        filled_values.cell_column,
        filled_values.cell_text
    from filled_values
    inner join series on filled_values.series = series.series
    order by filled_values.adcode, filled_values.year, filled_values.series

)

select * from final
