with yearbook_cells as (

    select * from {{ ref('stg_yearbook_cells') }}

),

supplementary_values as (

    select * from {{ ref('stg_supplementary_values') }}

),

headers as (

    select * from {{ ref('cln_headers') }}

),

-- A printed scope goes before that of a mapping row; a wide table without any scope holds one value per city.
yearbook_values as (

    select
        cells.data_year,
        cells.edition,
        'yearbook' as source,
        cells.form,
        headers.series,
        cells.table_title,
        cells.header,
        case
            when cells.scope not in ('', 'unclear') then cells.scope
            when headers.default_scope is not null then headers.default_scope
            when cells.form = 'wide' and cells.scope = '' then 'city'
            else cells.scope
        end as scope,
        cells.city_raw as place_raw,
        cells.cell_text,
        case when cells.unit = '' then headers.default_unit else cells.unit end as unit,
        cells.file,
        cells.sheet,
        cells."row",
        cells."column"
    from yearbook_cells as cells
    inner join headers
        on
            cells.data_year = headers.data_year
            and cells.table_title = headers.table_title
            and cells.header = headers.header
    where cells.level = 'prefecture' and headers.series is not null

),

supplementary_cells as (

    select
        year as data_year,
        null::integer as edition,
        'supplementary' as source,
        null::varchar as form,
        series,
        null::varchar as table_title,
        null::varchar as header,
        'city' as scope,
        place_raw,
        coalesce(value_text, '') as cell_text,
        unit,
        file,
        null::varchar as sheet,
        "row",
        null::integer as "column"
    from supplementary_values

),

final as (

    select * from yearbook_values

    union all

    select * from supplementary_cells

)

select * from final
