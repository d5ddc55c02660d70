with cell_values as (

    select * from {{ ref('cln_cell_values') }}

),

plausible_cells as (

    select * from {{ ref('int_plausible_cells') }}

),

suggestions as (

    select * from {{ ref('cln_name_suggestions') }}

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

-- A suggestion is for a person; no model uses it.
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
    left join suggestions
        on
            quarantined.data_year = suggestions.data_year
            and quarantined.city_raw = suggestions.place_raw
            and quarantined.quarantine_reason = 'unknown city name'
    order by quarantined.file, quarantined.sheet, quarantined."row", quarantined."column", quarantined.adcode

)

select * from final
