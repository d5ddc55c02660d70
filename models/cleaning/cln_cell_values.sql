with cells as (

    select * from {{ ref('cln_converted_cells') }}

),

-- What one cell says, several may print: a page printed twice, two tables, the two forms of an edition.
usable as (

    select
        *,
        cell_problem is null and converted_value is not null as is_usable,
        coalesce(
            bool_or(is_usable and form = 'table') over same_cell,
            false
        ) as has_printed_table
    from cells
    window same_cell as (partition by source, data_year, part_adcode, series, scope)

),

-- Where a table prints a value, the wide form of the same edition only repeats it.
chosen as (

    select
        *,
        is_usable and not (has_printed_table and form = 'wide') as is_chosen
    from usable

),

-- Values agree if they differ by no more than the rounding of the coarser one. A blank gives way to a value, the coarser
-- to the more exact one; different values are all quarantined, because nobody can tell which is right.
compared as (

    select
        *,
        max(if(is_chosen, converted_value, null)) over same_cell
        - min(if(is_chosen, converted_value, null)) over same_cell
        > 0.5000001 * max(if(is_chosen, last_digit, null)) over same_cell as is_conflict,
        row_number() over (
            same_cell
            order by is_chosen desc, last_digit, file, sheet, "row", "column"
        ) as copy_number
    from chosen
    window same_cell as (partition by source, data_year, part_adcode, series, scope)

),

judged as (

    select
        *,
        case
            when cell_problem is null and is_conflict and is_chosen then 'conflicting duplicate'
            else cell_problem
        end as quarantine_reason
    from compared
    where
        cell_problem is not null
        or copy_number = 1
        or (is_conflict and is_chosen)

),

final as (

    select
        data_year,
        edition,
        source,
        form,
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
            when is_corrected then 'corrected'
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
