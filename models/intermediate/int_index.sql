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

-- Each sum in the printed order of the indicators, so that the last digit does not depend on the plan.
final as (

    select
        adcode,
        year,
        sum(contribution order by position) as index_value,
        count(*) as n_indicators
    from weighted
    group by adcode, year
    order by adcode, year

)

select * from final
