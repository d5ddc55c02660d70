with series as (

    select * from {{ ref('series') }}

),

city_year_series as (

    select * from {{ ref('fct_city_year_series') }}

),

series_breaks as (

    select * from {{ ref('series_breaks') }}

),

printed as (

    select
        series,
        count(value) as n_values,
        count(value) filter (scope = 'city') as n_values_city,
        count(value) filter (scope = 'districts') as n_values_districts,
        count(*) filter (value_status = 'quarantined') as n_quarantined,
        min(year) filter (value is not null) as first_year_printed,
        max(year) filter (value is not null) as last_year_printed,
        count(distinct year) filter (value is not null) as n_years_printed
    from city_year_series
    group by series

),

breaks as (

    select
        series,
        count(*) as n_breaks
    from series_breaks
    group by series

),

final as (

    select
        series.series,
        series.name_zh,
        series.name_en,
        series.definition_zh,
        series.definition_en,
        series.canonical_unit as unit,
        series.scope as scope_of_studies,
        series.additive as is_additive,
        series.part_of,
        coalesce(breaks.n_breaks, 0) as n_breaks,
        coalesce(printed.n_values, 0) as n_values,
        coalesce(printed.n_values_city, 0) as n_values_city,
        coalesce(printed.n_values_districts, 0) as n_values_districts,
        coalesce(printed.n_quarantined, 0) as n_quarantined,
        printed.first_year_printed,
        printed.last_year_printed,
        coalesce(printed.n_years_printed, 0) as n_years_printed
    from series
    left join printed on series.series = printed.series
    left join breaks on series.series = breaks.series
    order by series.series

)

select * from final
