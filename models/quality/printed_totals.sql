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
        comparable.province,
        comparable.value as printed_total,
        comparable.last_digit,
        comparable.sheet,
        comparable."row",
        comparable."column",
        count(units.value) as n_units,
        count(*) filter (units.is_blank) as n_blank,
        count(*) filter (units.value is null and not units.is_blank) as n_unreadable,
        -- Rounded, because the last bits depend on the order in which the units are added.
        round(sum(units.value), 6) as sum_of_units,
        round(sum(units.last_digit), 6) as rounding
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
        printed_total - sum_of_units as gap
    from sums

),

-- One value that is 10, 100 … times too large or small, or that is counted twice, explains a gap exactly.
suspects as (

    select
        compared.file,
        compared.sheet,
        compared."row",
        compared."column",
        compared.series,
        compared.scope,
        compared.data_year,
        count(distinct (units.place_raw, units.value)) as n_suspects,
        any_value(units.place_raw || ' ' || units.value) as suspect
    from compared
    inner join column_rows as units
        on
            compared.file = units.file
            and compared.data_year = units.data_year
            and compared.series = units.series
            and compared.scope = units.scope
            and units.row_kind = 'unit'
            and (compared.row_kind = 'total' or compared.province = units.province)
    where
        not compared.agrees
        and len(list_filter(
            [-0.9, -0.99, -0.999, -0.9999, 9, 99, 999, 9999, -1],
            factor -> abs(units.value * factor - compared.gap)
            <= greatest(0.00002 * abs(compared.printed_total), 0.5 * (compared.rounding + compared.last_digit))
        )) > 0
    group by all

),

final as (

    select
        compared.data_year,
        compared.form,
        compared.table_title,
        compared.header,
        compared.series,
        compared.scope,
        compared.row_kind,
        compared.place_raw,
        compared.printed_total,
        compared.sum_of_units,
        compared.n_units,
        compared.n_blank,
        compared.n_unreadable,
        compared.ratio,
        compared.agrees,
        case
            when compared.agrees then null
            when compared.n_units < 2 then 'fewer than two units are printed below this total'
            when compared.ratio > 0 and abs(log10(compared.ratio) - round(log10(compared.ratio))) < 0.0005
                then 'total and units differ by a power of ten: a unit of measure is misprinted'
            when suspects.n_suspects = 1 then 'one value could explain the gap: ' || suspects.suspect
            when compared.n_unreadable > 0 then compared.n_unreadable || ' values below this total cannot be read'
            when compared.n_blank > 0 and compared.gap > 0
                then compared.n_blank || ' units are blank, and the total holds more than the others'
            else 'not explained: a value of the column, a lost row or the total itself is wrong'
        end as explanation,
        compared.file,
        compared.sheet,
        compared."row",
        compared."column"
    from compared
    left join suspects
        on
            compared.file = suspects.file
            and compared.sheet = suspects.sheet
            and compared."row" = suspects."row"
            and compared."column" = suspects."column"
            and compared.series = suspects.series
            and compared.scope = suspects.scope
            and compared.data_year = suspects.data_year
    order by compared.file, compared.sheet, compared."column", compared."row", compared.series, compared.scope

)

select * from final
