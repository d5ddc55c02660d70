with indicator_values as (

    select * from {{ ref('int_indicators') }}

),

scaled_indicators as (

    select * from {{ ref('int_scaled_indicators') }}

),

index_weights as (

    select * from {{ ref('int_index_weights') }}

),

index_contributions as (

    select * from {{ ref('int_index_contributions') }}

),

final as (

    select
        indicator_values.adcode,
        indicator_values.year,
        indicator_values.indicator,
        indicator_values.value,
        scaled_indicators.scaled_value,
        index_weights.weight,
        index_contributions.contribution,
        indicator_values.in_sample
    from indicator_values
    left join scaled_indicators
        on
            indicator_values.indicator = scaled_indicators.indicator
            and indicator_values.adcode = scaled_indicators.adcode
            and indicator_values.year = scaled_indicators.year
    left join index_weights on indicator_values.indicator = index_weights.indicator
    left join index_contributions
        on
            indicator_values.indicator = index_contributions.indicator
            and indicator_values.adcode = index_contributions.adcode
            and indicator_values.year = index_contributions.year
    order by indicator_values.adcode, indicator_values.year, indicator_values.indicator

)

select * from final
