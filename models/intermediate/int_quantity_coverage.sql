with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

quantities as (

    select * from {{ ref('int_quantities') }}

),

quantity_series as (

    select * from {{ ref('int_quantity_series') }}

),

needed_quantities as (

    select * from {{ ref('int_needed_quantities') }}

),

needed as (

    select quantity from needed_quantities
    union
    select quantity from quantities

),

by_year as (

    select
        needed.quantity,
        frame.year,
        count(*) as n_cities,
        count(quantities.value) as n_available,
        count(quantities.value) / count(*) as available_share
    from needed
    cross join frame
    left join quantities
        on
            needed.quantity = quantities.quantity
            and frame.adcode = quantities.adcode
            and frame.year = quantities.year
    where needed.quantity is not null
    group by needed.quantity, frame.year

),

-- A panel needs a value in every year: what counts is the year with the fewest.
shares as (

    select
        quantity,
        sum(n_cities)::bigint as n_city_years,
        sum(n_available)::bigint as n_available,
        sum(n_available) / sum(n_cities) as available_share,
        min(available_share) as smallest_share,
        arg_min(year, (available_share, year)) as smallest_share_year,
        min(available_share) >= {{ setting('coverage_limit') }}::double as is_covered
    from by_year
    group by quantity

),

final as (

    select
        shares.*,
        case
            when shares.is_covered then null
            when quantity_series.uncovered_reason is not null
                then shares.quantity || ' (' || quantity_series.uncovered_reason || ')'
            when shares.n_available = 0 then shares.quantity || ' (not printed)'
            else
                shares.quantity || ' (values for ' || floor(100 * shares.smallest_share)::integer
                || ' % of the cities in ' || shares.smallest_share_year || ')'
        end as uncovered_reason
    from shares
    left join quantity_series on shares.quantity = quantity_series.quantity
    order by shares.quantity

)

select * from final
