with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

input_coverage as (

    select * from {{ ref('int_input_coverage') }}

),

quantity_choices as (

    select * from {{ ref('quantities') }}

),

-- An input that no quantity names is a quantity of its own.
candidates as (

    select
        quantity,
        priority,
        series,
        choice
    from quantity_choices

    union all

    select
        series as quantity,
        1 as priority,
        series,
        'cell' as choice
    from input_coverage

),

-- A quantity that is chosen for the whole panel takes the first input that is covered.
panel_choices as (

    select
        candidates.quantity,
        arg_min(candidates.series, candidates.priority) as series
    from candidates
    inner join input_coverage on candidates.series = input_coverage.series
    where
        candidates.choice = 'panel'
        and input_coverage.available_share >= {{ setting('coverage_limit') }}::double
    group by candidates.quantity

),

usable as (

    select
        candidates.quantity,
        candidates.priority,
        candidates.series
    from candidates
    left join panel_choices on candidates.quantity = panel_choices.quantity
    where
        candidates.choice = 'cell'
        or candidates.series = panel_choices.series

),

chosen as (

    select
        filled_values.adcode,
        filled_values.year,
        usable.quantity,
        filled_values.value,
        filled_values.series as basis,
        filled_values.value_status
    from usable
    inner join filled_values on usable.series = filled_values.series
    where filled_values.value is not null
    qualify row_number() over (
        partition by filled_values.adcode, filled_values.year, usable.quantity
        order by usable.priority
    ) = 1

),

-- At constant prices where a price index is covered, otherwise at current prices, and the basis says so.
real_pairs as (

    select * from (
        values
        ('real_gdp', 'gdp', 'gdp_deflator'),
        ('real_investment', 'fixed_asset_investment', 'investment_price_index')
    ) as pairs (quantity, nominal, price_index)

),

real_values as (

    select
        nominal.adcode,
        nominal.year,
        real_pairs.quantity,
        case
            when input_coverage.available_share >= {{ setting('coverage_limit') }}::double
                then nominal.value / price.value
            else nominal.value
        end as value,
        case
            when input_coverage.available_share >= {{ setting('coverage_limit') }}::double
                then real_pairs.nominal || ' at constant prices'
            else real_pairs.nominal || ' at current prices'
        end as basis,
        nominal.value_status
    from real_pairs
    inner join chosen as nominal on real_pairs.nominal = nominal.quantity
    left join chosen as price
        on
            real_pairs.price_index = price.quantity
            and nominal.adcode = price.adcode
            and nominal.year = price.year
    left join input_coverage on real_pairs.price_index = input_coverage.series

),

unioned as (

    select * from chosen

    union all

    select * from real_values
    where value is not null

),

final as (

    select * from unioned
    order by quantity, adcode, year

)

select * from final
