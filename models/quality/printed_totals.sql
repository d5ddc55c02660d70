with column_rows as (

    select * from {{ ref('cln_column_rows') }}

),

-- A column of a table, over its pages: the totals that it prints and the units below them.
printed as (

    select * from column_rows
    where row_kind in ('total', 'province') and value is not null

),

tables as (

    select
        file,
        data_year,
        table_title,
        avg((province is null)::integer) as share_without_province
    from column_rows
    where row_kind = 'unit'
    group by file, data_year, table_title

),

-- In the tables of all cities nobody says in which province a county-level city lies.
comparable as (

    select printed.*
    from printed
    left join tables
        on
            printed.file = tables.file
            and printed.data_year = tables.data_year
            and printed.table_title = tables.table_title
    where printed.row_kind = 'total' or tables.share_without_province <= 0.05

),

sums as (

    select
        comparable.file,
        comparable.data_year,
        comparable.form,
        comparable.table_title,
        comparable.header,
        comparable.series,
        comparable.scope,
        comparable.row_kind,
        comparable.place_raw,
        comparable.value as printed_total,
        comparable.last_digit,
        comparable.sheet,
        comparable."row",
        comparable."column",
        count(units.value) as n_units,
        count(*) filter (units.is_blank) as n_blank,
        count(*) filter (units.value is null and not units.is_blank) as n_unreadable,
        sum(units.value) as sum_of_units,
        sum(units.last_digit) as rounding,
        list(units.value order by units."row", units.sheet) filter (units.value is not null) as unit_values,
        list(units.place_raw order by units."row", units.sheet) filter (units.value is not null) as unit_names
    from comparable
    inner join column_rows as units
        on
            -- Later pages may spell the header in another way.
            comparable.file = units.file
            and comparable.data_year = units.data_year
            and comparable.series = units.series
            and comparable.scope = units.scope
            and units.row_kind = 'unit'
            and (comparable.row_kind = 'total' or comparable.province = units.province)
    group by all

),

compared as (

    select
        *,
        sum_of_units / nullif(printed_total, 0) as ratio,
        coalesce(
            abs(sum_of_units - printed_total)
            <= greatest(0.001 * abs(printed_total), 0.5 * (rounding + last_digit)),
            false
        ) as agrees,
        printed_total - sum_of_units as gap,
        -- One value that is 10, 100 … times too large or small, or that is printed twice, explains the gap.
        list_filter(
            list_zip(unit_names, unit_values),
            x -> len(list_filter(
                [-0.9, -0.99, -0.999, -0.9999, 9, 99, 999, 9999, -1],
                k -> abs(x[2] * k - gap) <= greatest(0.00002 * abs(printed_total), 0.5 * (rounding + last_digit))
            )) > 0
        ) as suspects
    from sums

),

final as (

    select
        data_year,
        form,
        table_title,
        header,
        series,
        scope,
        row_kind,
        place_raw,
        printed_total,
        sum_of_units,
        n_units,
        n_blank,
        n_unreadable,
        ratio,
        agrees,
        case
            when agrees then null
            when n_units < 2 then 'fewer than two units are printed below this total'
            when ratio is not null and ratio > 0 and abs(log10(ratio) - round(log10(ratio))) < 0.0005
                then 'total and units differ by a power of ten: a unit of measure is misprinted'
            when len(suspects) = 1
                then 'one value could explain the gap: ' || suspects[1][1] || ' ' || suspects[1][2]
            when n_unreadable > 0 then n_unreadable || ' values below this total cannot be read'
            when n_blank > 0 and gap > 0 then n_blank || ' units are blank, and the total holds more than the others'
            else 'not explained: a value of the column, a lost row or the total itself is wrong'
        end as explanation,
        file,
        sheet,
        "row",
        "column"
    from compared
    order by file, sheet, "column", "row", series, scope

)

select * from final
