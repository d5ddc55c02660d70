with column_rows as (

    select * from {{ ref('cln_column_rows') }}

),

-- A column of a table, over its pages: the totals that it prints and the units below them.
printed as (

    select
        *,
        coalesce(province, '') as province_of_total
    from column_rows
    where row_kind in ('total', 'province') and value is not null

),

sums as (

    select
        printed.file,
        printed.data_year,
        printed.form,
        printed.table_title,
        printed.header,
        printed.series,
        printed.scope,
        printed.row_kind,
        printed.place_raw,
        printed.value as printed_total,
        printed.last_digit,
        printed.sheet,
        printed."row",
        printed."column",
        count(units.value) as n_units,
        count(*) filter (units.is_blank) as n_blank,
        count(*) filter (units.value is null and not units.is_blank) as n_unreadable,
        sum(units.value) as sum_of_units,
        sum(units.last_digit) as rounding,
        list(units.value order by units."row", units.sheet) filter (units.value is not null) as unit_values,
        list(units.place_raw order by units."row", units.sheet) filter (units.value is not null) as unit_names
    from printed
    inner join column_rows as units
        on
            printed.file = units.file
            and printed.data_year = units.data_year
            and printed.table_title = units.table_title
            and printed.header = units.header
            and printed.series = units.series
            and printed.scope = units.scope
            and units.row_kind = 'unit'
            and (printed.row_kind = 'total' or printed.province = units.province)
    group by all

),

compared as (

    select
        *,
        sum_of_units / nullif(printed_total, 0) as ratio,
        abs(sum_of_units - printed_total)
        <= greatest(0.001 * abs(printed_total), 0.5 * (rounding + last_digit)) as agrees,
        printed_total - sum_of_units as gap,
        -- One value that is 10, 100 … times too large or small, or that is printed twice, explains the gap.
        list_filter(
            list_zip(unit_names, unit_values),
            x -> len(list_filter(
                [-0.9, -0.99, -0.999, -0.9999, 9, 99, 999, 9999, -1],
                k -> abs(x[2] * k - gap) <= 0.001 * abs(printed_total) and abs(gap) > 0.001 * abs(printed_total)
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
                then 'one value explains the gap: ' || suspects[1][1] || ' ' || suspects[1][2]
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
