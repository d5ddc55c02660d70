with scaled_indicators as (

    select * from {{ ref('int_scaled_indicators') }}

),

index_weights as (

    select * from {{ ref('int_index_weights') }}

),

indicators as (

    select * from {{ ref('stg_indicators') }}

),

final as (

    select
        scaled_indicators.adcode,
        scaled_indicators.year,
        scaled_indicators.indicator,
        indicators.position,
        indicators.dimension,
        index_weights.weight,
        index_weights.weight * scaled_indicators.scaled_value as contribution
    from scaled_indicators
    inner join index_weights on scaled_indicators.indicator = index_weights.indicator
    inner join indicators on scaled_indicators.indicator = indicators.indicator
    order by scaled_indicators.adcode, scaled_indicators.year, indicators.position

)

select * from final
