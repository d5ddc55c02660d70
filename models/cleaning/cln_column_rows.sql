with cells as (

    select * from {{ ref('cln_printed_cells') }}

),

places as (

    select * from {{ ref('cln_places') }}

),

series as (

    select * from {{ ref('series') }}

),

units as (

    select * from {{ ref('units') }}

),

-- What is printed for all cities together; totals of regions and size classes are something else.
judged_rows as (

    select
        cells.*,
        series.canonical_unit,
        {{ plain_number('cells.cell_text') }} as plain_text,
        {{ parse_number('plain_text') }} * units.factor as value,
        units.factor
        / pow(10, length(regexp_extract(plain_text, '\.([0-9]+)$', 1))) as last_digit,
        {{ is_missing_text('plain_text') }} as is_blank,
        case
            when regexp_full_match(
                cells.place_raw,
                '([0-9]+个)?(全国|全部)?(地级及以上|地级以上)?(城市|市)(合计|总计)?|合计|总计|全国|全国总计'
            ) then 'total'
            when places.kind = 'province' then 'province'
            when places.kind in ('total', 'nation') then 'other'
            -- 吉林 is printed twice, for the province and for its city, 海南 for the province only: the largest value is
            -- that of the province.
            when places.kind = 'ambiguous' and value = max(value) over same_name then 'other'
            else 'unit'
        end as row_kind,
        places.adcode
    from cells
    inner join series on cells.series = series.series
    left join places
        on
            cells.data_year = places.data_year
            and cells.source = places.source
            and cells.place_raw = places.place_raw
    left join units
        on
            cells.unit = units.unit
            and series.canonical_unit = units.canonical_unit
    where cells.source = 'yearbook' and series.additive
    window same_name as (
        partition by cells.file, cells.data_year, cells.table_title, cells.header, cells.series, cells.scope, cells.place_raw
    )

),

final as (

    select
        data_year,
        form,
        series,
        scope,
        table_title,
        header,
        row_kind,
        place_raw,
        adcode,
        left(adcode, 2) as province,
        cell_text,
        value,
        last_digit,
        is_blank,
        file,
        sheet,
        "row",
        "column"
    from judged_rows
    where row_kind != 'other'

)

select * from final
