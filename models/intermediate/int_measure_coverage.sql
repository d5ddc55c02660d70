with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

measure_series as (

    select * from {{ ref('int_measure_series') }}

),

needed_measures as (

    select * from {{ ref('int_needed_measures') }}

),

needed as (

    select measure from needed_measures
    union
    select measure from measures

),

by_year as (

    select
        needed.measure,
        frame.year,
        count(*) as n_cities,
        count(measures.value) as n_available,
        count(measures.value) / count(*) as available_share
    from needed
    cross join frame
    left join measures
        on
            needed.measure = measures.measure
            and frame.adcode = measures.adcode
            and frame.year = measures.year
    where needed.measure is not null
    group by needed.measure, frame.year

),

-- A panel needs a value in every year: what counts is the year with the fewest.
shares as (

    select
        measure,
        sum(n_cities)::bigint as n_city_years,
        sum(n_available)::bigint as n_available,
        sum(n_available) / sum(n_cities) as available_share,
        min(available_share) as smallest_share,
        arg_min(year, (available_share, year)) as smallest_share_year,
        min(available_share) >= {{ setting('coverage_limit') }}::double as is_covered
    from by_year
    group by measure

),

final as (

    select
        shares.*,
        case
            when shares.is_covered then null
            when measure_series.uncovered_reason is not null
                then shares.measure || ' (' || measure_series.uncovered_reason || ')'
            when shares.n_available = 0 then shares.measure || ' (not printed)'
            else
                shares.measure || ' (values for ' || floor(100 * shares.smallest_share)::integer
                || ' % of the cities in ' || shares.smallest_share_year || ')'
        end as uncovered_reason
    from shares
    left join measure_series on shares.measure = measure_series.measure
    order by shares.measure

)

select * from final
