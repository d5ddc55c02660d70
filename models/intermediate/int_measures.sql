with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

input_coverage as (

    select * from {{ ref('int_input_coverage') }}

),

measure_series as (

    select * from {{ ref('int_measure_series') }}

),

-- An input is a measure of its own; where several may stand for one, the panel's choice does.
usable as (

    select
        measure,
        series
    from measure_series
    where series is not null

    union all

    select
        series as measure,
        series
    from input_coverage

),

chosen as (

    select
        filled_values.adcode,
        filled_values.year,
        usable.measure,
        filled_values.value,
        filled_values.series as basis,
        filled_values.value_status
    from usable
    inner join filled_values on usable.series = filled_values.series
    where filled_values.value is not null

),

-- At constant prices where a price index is covered, otherwise at current prices, and the basis says so.
real_pairs as (

    select
        pairs.measure,
        pairs.nominal,
        pairs.price_index,
        coalesce(input_coverage.is_covered, false) as is_deflated
    from (
        values
        ('real_gdp', 'gdp', 'gdp_deflator'),
        ('real_investment', 'fixed_asset_investment', 'investment_price_index')
    ) as pairs (measure, nominal, price_index)
    left join input_coverage on pairs.price_index = input_coverage.series

),

real_values as (

    select
        nominal.adcode,
        nominal.year,
        real_pairs.measure,
        if(real_pairs.is_deflated, nominal.value / price.value, nominal.value) as value,
        real_pairs.nominal || if(real_pairs.is_deflated, ' at constant prices', ' at current prices') as basis,
        nominal.value_status
    from real_pairs
    inner join chosen as nominal on real_pairs.nominal = nominal.measure
    left join chosen as price
        on
            real_pairs.price_index = price.measure
            and nominal.adcode = price.adcode
            and nominal.year = price.year

),

unioned as (

    select * from chosen

    union all

    select * from real_values
    where value is not null

),

final as (

    select * from unioned
    order by measure, adcode, year

)

select * from final
