with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

by_year as (

    select
        series,
        year,
        count(*) as n_cities,
        count(printed_value) as n_printed,
        count(value) as n_available,
        count(printed_value) / count(*) as printed_share,
        count(value) / count(*) as available_share
    from filled_values
    group by series, year

),

-- A panel needs a value in every year: what counts is the year with the fewest.
final as (

    select
        series,
        sum(n_cities)::bigint as n_city_years,
        sum(n_printed)::bigint as n_printed,
        sum(n_available)::bigint as n_available,
        sum(n_available) / sum(n_cities) as available_share,
        min(available_share) as smallest_share,
        arg_min(year, (available_share, year)) as smallest_share_year,
        min(printed_share) >= {{ setting('coverage_limit') }}::double as is_printed_every_year,
        min(available_share) >= {{ setting('coverage_limit') }}::double as is_covered
    from by_year
    group by series
    order by series

)

select * from final
