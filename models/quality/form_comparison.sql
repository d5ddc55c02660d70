with cells as (

    select * from {{ ref('cln_converted_cells') }}

),

usable as (

    select * from cells
    where source = 'yearbook' and cell_problem is null and converted_value is not null

),

-- The most exact copy of each form.
copies as (

    select * from usable
    qualify row_number() over (
        partition by data_year, part_adcode, series, scope, form
        order by last_digit, file, sheet, "row", "column"
    ) = 1

),

final as (

    select
        printed.data_year,
        printed.edition,
        printed.series,
        printed.scope,
        printed.adcode,
        printed.part_adcode,
        printed.converted_value as table_value,
        wide.converted_value as wide_value,
        abs(table_value - wide_value) <= 0.5000001 * greatest(printed.last_digit, wide.last_digit) as is_equal,
        table_value / nullif(wide_value, 0) as ratio,
        printed.file as table_file,
        printed.sheet as table_sheet,
        printed."row" as table_row,
        printed."column" as table_column,
        printed.cell_text as table_text,
        wide.file as wide_file,
        wide.sheet as wide_sheet,
        wide."row" as wide_row,
        wide."column" as wide_column,
        wide.cell_text as wide_text
    from copies as printed
    inner join copies as wide
        on
            printed.data_year = wide.data_year
            and printed.part_adcode = wide.part_adcode
            and printed.series = wide.series
            and printed.scope = wide.scope
    where printed.form = 'table' and wide.form = 'wide'
    order by is_equal, printed.data_year, printed.series, printed.scope, printed.part_adcode

)

select * from final
