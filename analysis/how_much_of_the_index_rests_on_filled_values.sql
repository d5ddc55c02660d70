-- Per indicator: the share of city-years in which one of its inputs is interpolated or carried, and not printed.
with bridge as (

    select * from {{ ref('bridge_indicator_cell') }}

),

indicators as (

    select * from {{ ref('dim_indicator') }}

),

contributions as (

    select * from {{ ref('fct_city_year_indicator') }}

),

filled as (

    select
        indicator,
        adcode,
        year,
        bool_or(value_status in ('interpolated', 'carried')) as is_filled
    from bridge
    where measure_year = year
    group by indicator, adcode, year

),

final as (

    select
        contributions.indicator,
        indicators.weight,
        count(*) as n_city_years,
        count(*) filter (filled.is_filled) as n_filled,
        n_filled / n_city_years as share_filled
    from contributions
    inner join indicators on contributions.indicator = indicators.indicator
    inner join filled
        on contributions.indicator = filled.indicator
        and contributions.adcode = filled.adcode
        and contributions.year = filled.year
    where contributions.in_sample and indicators.weight is not null
    group by contributions.indicator, indicators.weight
    order by share_filled desc, contributions.indicator

)

select * from final
