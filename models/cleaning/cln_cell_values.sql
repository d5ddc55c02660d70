with yearbook_cells as (

    select * from {{ ref('stg_yearbook_cells') }}

),

supplementary_values as (

    select * from {{ ref('stg_supplementary_values') }}

),

table_titles as (

    select * from {{ ref('table_titles') }}

),

headers as (

    select * from {{ ref('headers') }}

),

units as (

    select * from {{ ref('units') }}

),

corrections as (

    select * from {{ ref('corrections') }}

),

series as (

    select * from {{ ref('series') }}

),

place_cities as (

    select * from {{ ref('cln_place_cities') }}

),

-- What a header means, per table and data year; a row for the table goes before one for any table.
printed_headers as (

    select distinct
        data_year,
        table_title,
        header
    from yearbook_cells

),

known_headers as (

    select
        printed_headers.data_year,
        printed_headers.table_title,
        printed_headers.header,
        headers.series,
        headers.default_unit,
        headers.default_scope
    from printed_headers
    inner join headers
        on
            printed_headers.header = headers.header
            and coalesce(headers.table_title, printed_headers.table_title) = printed_headers.table_title
            and printed_headers.data_year between coalesce(headers.valid_from, 0) and coalesce(headers.valid_to, 9999)
    left join table_titles on printed_headers.table_title = table_titles.table_title
    where coalesce(table_titles.used, true)
    qualify row_number() over (
        partition by printed_headers.data_year, printed_headers.table_title, printed_headers.header
        order by headers.table_title is null
    ) = 1

),

yearbook_values as (

    select
        cells.data_year,
        cells.edition,
        'yearbook' as source,
        known_headers.series,
        cells.table_title,
        cells.header,
        case when cells.scope = '' then coalesce(known_headers.default_scope, '') else cells.scope end as scope,
        cells.city_raw as place_raw,
        cells.cell_text,
        case when cells.unit = '' then known_headers.default_unit else cells.unit end as unit,
        cells.file,
        cells.sheet,
        cells."row",
        cells."column"
    from yearbook_cells as cells
    inner join known_headers
        on
            cells.data_year = known_headers.data_year
            and cells.table_title = known_headers.table_title
            and cells.header = known_headers.header
    where known_headers.series is not null

),

supplementary_cells as (

    select
        year as data_year,
        null::integer as edition,
        'supplementary' as source,
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

printed_cells as (

    select * from yearbook_values

    union all

    select * from supplementary_cells

),

-- Province rows, totals and dissolved units are known and no cities; other names are kept and quarantined below.
placed_cells as (

    select
        cells.*,
        place_cities.kind as place_kind,
        place_cities.adcode,
        place_cities.part_adcode,
        place_cities.breadth
    from printed_cells as cells
    inner join place_cities
        on
            cells.data_year = place_cities.data_year
            and cells.source = place_cities.source
            and cells.place_raw = place_cities.place_raw

),

-- The narrower place goes first: a value of the city before one of its province.
narrowest as (

    select * from placed_cells
    where source = 'yearbook' or part_adcode is null

    union all

    select * from placed_cells
    where source = 'supplementary' and part_adcode is not null
    qualify breadth = min(breadth) over (partition by data_year, part_adcode, series)

),

converted as (

    select
        cells.*,
        series.canonical_unit,
        corrections.corrected_text,
        {{ plain_number('cells.cell_text') }} as plain_text,
        {{ is_missing_text('plain_text') }} as is_missing,
        {{ parse_number('plain_text') }} as printed_value,
        case
            when corrections.corrected_text is null then printed_value
            else {{ parse_number('corrections.corrected_text') }}
        end as number_used,
        case
            when units.factor = 1 then number_used
            -- Six decimals of the canonical unit remove what the multiplication of doubles adds.
            else round(number_used * units.factor, 6)
        end as converted_value,
        case
            when cells.place_kind = 'county' then 'county-level unit'
            when cells.place_kind = 'ambiguous' then 'ambiguous city name'
            when cells.part_adcode is null then 'unknown city name'
            when cells.scope not in ('city', 'districts') then 'scope not readable'
            when is_missing and corrections.corrected_text is null then null
            when series.series is null then 'unknown indicator'
            when cells.breadth > 1 and series.additive then 'a total of several cities'
            when cells.unit is null or cells.unit = '' then 'no unit printed'
            when units.factor is null
                then 'the unit ' || cells.unit || ' cannot be converted to ' || series.canonical_unit
            when number_used is null then 'unparsed number'
        end as cell_problem
    from narrowest as cells
    left join series on cells.series = series.series
    left join units
        on
            cells.unit = units.unit
            and series.canonical_unit = units.canonical_unit
    left join corrections
        on
            cells.data_year = corrections.data_year
            and cells.place_raw = corrections.city_raw
            and cells.series = corrections.series
            and cells.scope = corrections.scope
            and cells.cell_text = corrections.cell_text

),

-- A page printed twice: identical values are one value, a blank gives way to a value, different values are all
-- quarantined, because nobody can tell which is right.
compared as (

    select
        *,
        min(converted_value) over same_cell != max(converted_value) over same_cell as is_conflict,
        row_number() over (
            same_cell
            order by converted_value is null, file, sheet, "row", "column"
        ) as copy_number
    from converted
    window same_cell as (partition by source, data_year, part_adcode, series, scope)

),

judged as (

    select
        *,
        case
            when cell_problem is null and is_conflict and converted_value is not null then 'conflicting duplicate'
            else cell_problem
        end as quarantine_reason
    from compared
    where
        cell_problem is not null
        or copy_number = 1
        or (is_conflict and converted_value is not null)

),

final as (

    select
        data_year,
        edition,
        source,
        series,
        scope,
        place_raw as city_raw,
        adcode,
        part_adcode,
        cell_text,
        printed_value,
        case when quarantine_reason is null then converted_value end as value,
        canonical_unit as unit,
        case
            when quarantine_reason is not null then 'quarantined'
            when corrected_text is not null then 'corrected'
            when is_missing then 'missing'
            else 'printed'
        end as cell_status,
        quarantine_reason,
        table_title,
        header,
        file,
        sheet,
        "row",
        "column"
    from judged

)

select * from final
