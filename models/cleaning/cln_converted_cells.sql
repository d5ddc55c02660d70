with cells as (

    select * from {{ ref('cln_printed_cells') }}

),

place_cities as (

    select * from {{ ref('cln_place_cities') }}

),

series as (

    select * from {{ ref('series') }}

),

units as (

    select * from {{ ref('units') }}

),

corrections as (

    select * from {{ ref('corrections') }}

),

-- Rows of provinces, totals and dissolved units are known and no prefectures. County-level cities are rows of their own
-- in the tables of all cities (until 1996); a few of them in a table of prefectures are damaged names.
placed_cells as (

    select
        cells.*,
        place_cities.kind,
        place_cities.adcode,
        place_cities.part_adcode,
        place_cities.breadth,
        avg((place_cities.kind = 'county')::integer) over (
            partition by cells.source, cells.data_year, cells.file, cells.table_title
        ) as share_of_counties
    from cells
    inner join place_cities
        on
            cells.data_year = place_cities.data_year
            and cells.source = place_cities.source
            and cells.place_raw = place_cities.place_raw
    qualify place_cities.kind != 'county' or share_of_counties < 0.3

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
        -- The last printed digit, in the canonical unit.
        units.factor
        / pow(10, length(regexp_extract(coalesce(corrections.corrected_text, plain_text), '\.([0-9]+)$', 1)))
            as last_digit,
        case
            when cells.kind = 'county' then 'county-level unit'
            when cells.kind = 'ambiguous' then 'ambiguous city name'
            when cells.part_adcode is null then 'unknown city name'
            when cells.scope not in ('city', 'districts') then 'scope not readable'
            when is_missing and corrections.corrected_text is null then null
            when series.series is null then 'unknown series'
            when cells.breadth > 1 and series.additive then 'a total of several cities'
            when cells.cell_text = '#FORMULA!' then 'formula without result'
            when regexp_full_match(cells.cell_text, '#[A-Z/0-9_]+[!?]?') then 'error cell'
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

final as (

    select
        data_year,
        edition,
        source,
        form,
        series,
        scope,
        place_raw,
        adcode,
        part_adcode,
        cell_text,
        printed_value,
        converted_value,
        last_digit,
        canonical_unit,
        is_missing,
        corrected_text is not null as is_corrected,
        cell_problem,
        table_title,
        header,
        file,
        sheet,
        "row",
        "column"
    from converted

)

select * from final
