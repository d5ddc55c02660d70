with city_year_series as (

    select * from {{ ref('fct_city_year_series') }}

),

series_breaks as (

    select * from {{ ref('series_breaks') }}

),

medians as (

    select
        series,
        scope,
        year,
        count(value) as n_cities,
        count(*) filter (value_status = 'quarantined') as n_quarantined,
        median(value) as median_value
    from city_year_series
    where source = 'yearbook'
    group by series, scope, year

),

-- The years that are printed follow each other: a jump between them shows a wrong unit, column or definition.
neighbours as (

    select
        *,
        lag(year) over printed_years as previous_year,
        lag(median_value) over printed_years as previous_median
    from medians
    where median_value is not null
    window printed_years as (partition by series, scope order by year)

),

final as (

    select
        neighbours.series,
        neighbours.scope,
        neighbours.year,
        neighbours.n_cities,
        neighbours.n_quarantined,
        neighbours.median_value,
        neighbours.previous_year,
        neighbours.previous_median,
        neighbours.median_value / nullif(neighbours.previous_median, 0) as ratio,
        coalesce(
            -- A doubling, or a fifth a year over longer gaps, is more than growth.
            abs(ln(nullif(ratio, 0))) > greatest(ln(2), 0.2 * (neighbours.year - neighbours.previous_year)),
            false
        ) as is_jump,
        series_breaks.note_en as known_break
    from neighbours
    left join series_breaks
        on
            neighbours.series = series_breaks.series
            and series_breaks.first_year > neighbours.previous_year
            and series_breaks.first_year <= neighbours.year
    qualify row_number() over (
        partition by neighbours.series, neighbours.scope, neighbours.year
        order by series_breaks.first_year desc
    ) = 1
    order by neighbours.series, neighbours.scope, neighbours.year

)

select * from final
