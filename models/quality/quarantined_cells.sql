with cell_values as (

    select * from {{ ref('cln_cell_values') }}

),

plausible_cells as (

    select * from {{ ref('int_plausible_cells') }}

),

cities as (

    select * from {{ ref('cities') }}

),

implausible as (

    select * replace (implausible_reason as quarantine_reason)
    from plausible_cells
    where not is_plausible

),

quarantined as (

    select * from cell_values
    where cell_status = 'quarantined'

    union all by name

    select * exclude (implausible_reason, is_plausible) from implausible

),

unknown_names as (

    select distinct city_raw
    from quarantined
    where quarantine_reason = 'unknown city name'

),

-- The official name with the fewest bytes to change; a suggestion for a person, never used by a model.
suggestions as (

    select
        unknown_names.city_raw,
        arg_min(
            cities.name_zh,
            (levenshtein(unknown_names.city_raw, cities.name_zh), cities.adcode)
        ) as suggested_name,
        min((levenshtein(unknown_names.city_raw, cities.name_zh), cities.adcode))[2] as suggested_adcode
    from unknown_names
    cross join cities
    where unknown_names.city_raw != ''
    group by unknown_names.city_raw

),

final as (

    select
        quarantined.quarantine_reason,
        quarantined.data_year,
        quarantined.source,
        quarantined.series,
        quarantined.scope,
        quarantined.city_raw,
        quarantined.adcode,
        quarantined.cell_text,
        suggestions.suggested_name,
        suggestions.suggested_adcode,
        quarantined.table_title,
        quarantined.header,
        quarantined.file,
        quarantined.sheet,
        quarantined."row",
        quarantined."column"
    from quarantined
    left join suggestions on quarantined.city_raw = suggestions.city_raw
    order by quarantined.file, quarantined.sheet, quarantined."row", quarantined."column", quarantined.adcode

)

select * from final
