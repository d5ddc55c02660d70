with cells as (

    select * from {{ ref('cln_cell_values') }}

),

series as (

    select * from {{ ref('series') }}

),

printed_values as (

    select * from {{ ref('int_printed_values') }}

),

-- The yearbook prints something here and the file lost it: a gap in the file is no gap in the yearbook.
unreadable_cells as (

    select
        cells.adcode,
        cells.data_year as year,
        cells.series,
        min(cells.quarantine_reason) as reason
    from cells
    inner join series
        on
            cells.series = series.series
            and cells.scope = series.scope
    where
        cells.cell_status = 'quarantined'
        and cells.adcode is not null
        and (
            starts_with(cells.quarantine_reason, 'error cell')
            or starts_with(cells.quarantine_reason, 'formula without result')
        )
    group by cells.adcode, cells.data_year, cells.series

),

final as (

    select unreadable_cells.*
    from unreadable_cells
    anti join printed_values
        on
            unreadable_cells.adcode = printed_values.adcode
            and unreadable_cells.year = printed_values.year
            and unreadable_cells.series = printed_values.series
    order by unreadable_cells.series, unreadable_cells.adcode, unreadable_cells.year

)

select * from final
