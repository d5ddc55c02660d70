with cell_values as (

    select * from {{ ref('cln_cell_values') }}

),

citations as (

    select * from {{ ref('cln_citations') }}

),

known_cities as (

    select * from cell_values
    where adcode is not null and scope in ('city', 'districts')

),

-- One row per unit as printed: a value before a blank, a blank before what is quarantined, the yearbook before a
-- supplementary source.
chosen as (

    select
        adcode,
        part_adcode,
        data_year as year,
        series,
        scope,
        value,
        unit,
        cell_status as value_status,
        quarantine_reason,
        source,
        edition,
        form,
        table_title,
        header,
        city_raw,
        cell_text,
        file,
        sheet,
        "row",
        "column"
    from known_cities
    qualify row_number() over (
        partition by part_adcode, data_year, series, scope
        order by
            value is null,
            cell_status = 'quarantined',
            source != 'yearbook',
            file, sheet, "row", "column"
    ) = 1

),

final as (

    select
        chosen.*,
        citations.citation
    from chosen
    left join citations
        on
            chosen.source = 'supplementary'
            and chosen.file = citations.file
            and chosen."row" = citations."row"
    order by chosen.series, chosen.scope, chosen.part_adcode, chosen.year

)

select * from final
