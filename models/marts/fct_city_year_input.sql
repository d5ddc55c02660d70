with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

raw_indicators as (

    select * from {{ ref('raw_indicators') }}

),

final as (

    select
        filled_values.adcode,
        filled_values.year,
        filled_values.raw_indicator,
        raw_indicators.canonical_unit as unit,
        filled_values.printed_value,
        filled_values.value,
        filled_values.value_status,
        filled_values.earlier_year,
        filled_values.later_year,
        filled_values.source,
        filled_values.edition,
        filled_values.file_and_sheet,
        filled_values.cell_row,
        filled_values.cell_column,
        filled_values.cell_text
    from filled_values
    inner join raw_indicators on filled_values.raw_indicator = raw_indicators.raw_indicator
    order by filled_values.adcode, filled_values.year, filled_values.raw_indicator

)

select * from final
