with scaled_indicators as (

    select * from {{ ref('int_scaled_indicators') }}

),

index_weights as (

    select * from {{ ref('int_index_weights') }}

),

indicators as (

    select * from {{ ref('indicators') }}

),

weighted as (

    select
        scaled_indicators.adcode,
        scaled_indicators.year,
        indicators.position,
        indicators.dimension,
        index_weights.weight,
        index_weights.weight * scaled_indicators.scaled_value as contribution
    from scaled_indicators
    inner join index_weights on scaled_indicators.indicator = index_weights.indicator
    inner join indicators on scaled_indicators.indicator = indicators.indicator

),

-- The weighted mean of a dimension's indicators. Each sum in the printed order of the indicators, so that the last digit
-- does not depend on the plan.
final as (

    select
        adcode,
        year,
        dimension,
        sum(contribution order by position) / sum(weight order by position) as value,
        count(*) as n_indicators
    from weighted
    group by adcode, year, dimension
    order by adcode, year, dimension

)

select * from final
