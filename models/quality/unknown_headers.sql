with cells as (

    select * from {{ ref('stg_yearbook_cells') }}

),

table_titles as (

    select * from {{ ref('table_titles') }}

),

known_headers as (

    select * from {{ ref('cln_headers') }}

),

printed_headers as (

    select
        data_year,
        table_title,
        header,
        count(*) filter (cell_text != '') as n_cells,
        min((file, sheet, "row", "column")) filter (cell_text != '') as first_cell
    from cells
    where level = 'prefecture'
    group by data_year, table_title, header

),

unknown as (

    select
        printed_headers.*,
        table_titles.table_title is not null as is_known_table
    from printed_headers
    left join table_titles on printed_headers.table_title = table_titles.table_title
    anti join known_headers
        on
            printed_headers.data_year = known_headers.data_year
            and printed_headers.table_title = known_headers.table_title
            and printed_headers.header = known_headers.header
    where
        coalesce(table_titles.used, true)
        and printed_headers.n_cells > 0

),

final as (

    select
        table_title,
        header,
        bool_or(is_known_table) as is_known_table,
        min(data_year) as first_data_year,
        max(data_year) as last_data_year,
        sum(n_cells)::bigint as n_cells,
        min(first_cell)[1] as example_file,
        min(first_cell)[2] as example_sheet,
        min(first_cell)[3] as example_row,
        min(first_cell)[4] as example_column
    from unknown
    group by table_title, header
    order by n_cells desc, table_title, header

)

select * from final
