with cells as (

    select * from {{ ref('stg_yearbook_cells') }}

),

table_titles as (

    select * from {{ ref('table_titles') }}

),

headers as (

    select * from {{ ref('headers') }}

),

printed_headers as (

    select distinct
        data_year,
        table_title,
        header
    from cells
    where level = 'prefecture'

),

used_headers as (

    select printed_headers.*
    from printed_headers
    left join table_titles on printed_headers.table_title = table_titles.table_title
    where coalesce(table_titles.used, true)

),

-- The row that is made most closely for the table: its own title, then the longest pattern, then any table.
final as (

    select
        used_headers.data_year,
        used_headers.table_title,
        used_headers.header,
        headers.series,
        headers.default_unit,
        headers.default_scope
    from used_headers
    inner join headers
        on
            used_headers.header = headers.header
            and used_headers.data_year between coalesce(headers.valid_from, 0) and coalesce(headers.valid_to, 9999)
            and (
                headers.table_title is null
                or used_headers.table_title = headers.table_title
                or (contains(headers.table_title, '*') and used_headers.table_title glob headers.table_title)
            )
    qualify row_number() over (
        partition by used_headers.data_year, used_headers.table_title, used_headers.header
        order by
            (used_headers.table_title = headers.table_title) desc nulls last,
            length(coalesce(headers.table_title, '')) desc
    ) = 1

)

select * from final
