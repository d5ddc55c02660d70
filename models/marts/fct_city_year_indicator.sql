with indicator_values as (

    select * from {{ ref('int_indicators') }}

),

scaled_indicators as (

    select * from {{ ref('int_scaled_indicators') }}

),

index_weights as (

    select * from {{ ref('int_index_weights') }}

),

final as (

    select
        indicator_values.adcode,
        indicator_values.year,
        indicator_values.indicator,
        indicator_values.value,
        scaled_indicators.scaled_value,
        index_weights.weight,
        index_weights.weight * scaled_indicators.scaled_value as contribution,
        indicator_values.in_sample
    from indicator_values
    left join scaled_indicators
        on
            indicator_values.indicator = scaled_indicators.indicator
            and indicator_values.adcode = scaled_indicators.adcode
            and indicator_values.year = scaled_indicators.year
    left join index_weights on indicator_values.indicator = index_weights.indicator
    order by indicator_values.adcode, indicator_values.year, indicator_values.indicator

)

select * from final
