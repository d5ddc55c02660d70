with city_year_series as (

    select * from {{ ref('fct_city_year_series') }}

),

series as (

    select * from {{ ref('series') }}

),

pairs as (

    select
        part.part_adcode,
        part.adcode,
        part.year,
        part.scope,
        series.part_of as whole_series,
        part.series as part_series,
        whole.value as whole_value,
        part.value as part_value,
        -- Rounded, because the last bits depend on the order in which the parts are added.
        round(sum(part.value) over all_parts, 6) as sum_of_parts,
        part.file,
        part.sheet,
        part."row",
        part."column",
        whole.file as whole_file,
        whole.sheet as whole_sheet,
        whole."row" as whole_row,
        whole."column" as whole_column
    from city_year_series as part
    inner join series on part.series = series.series
    inner join city_year_series as whole
        on
            series.part_of = whole.series
            and part.part_adcode = whole.part_adcode
            and part.year = whole.year
            and part.scope = whole.scope
    where part.value is not null and whole.value is not null
    window all_parts as (partition by part.part_adcode, part.year, part.scope, series.part_of)

),

-- A part is no larger than its whole; a thousandth is rounding.
final as (

    select
        *,
        part_value / nullif(whole_value, 0) as ratio
    from pairs
    where part_value - whole_value > 0.001 * abs(whole_value)
    order by whole_series, part_series, part_adcode, year, scope

)

select * from final
