with indicator_values as (

    select * from {{ ref('int_indicators') }}

),

indicators as (

    select * from {{ ref('stg_indicators') }}

),

sample_values as (

    select
        indicator_values.adcode,
        indicator_values.year,
        indicator_values.indicator,
        indicators.direction,
        indicator_values.value
    from indicator_values
    inner join indicators on indicator_values.indicator = indicators.indicator
    where indicator_values.in_sample

),

moments as (

    select
        indicator,
        min(value) as minimum,
        max(value) as maximum,
        avg(value order by adcode, year) as mean,
        stddev_samp(value order by adcode, year) as standard_deviation
    from sample_values
    group by indicator

),

-- A negative indicator is reversed: the cleanest city-year scores 1 and the dirtiest the floor.
scaled as (

    select
        sample_values.adcode,
        sample_values.year,
        sample_values.indicator,
        case {{ setting('index_scaling') }}
            when 'min_max'
                then
                    {{ setting('index_floor') }}::double
                    + (1 - {{ setting('index_floor') }}::double)
                    * case sample_values.direction
                        when 1 then (sample_values.value - moments.minimum)
                        else (moments.maximum - sample_values.value)
                    end / nullif(moments.maximum - moments.minimum, 0)
            when 'z_score'
                then
                    sample_values.direction
                    * (sample_values.value - moments.mean) / nullif(moments.standard_deviation, 0)
        end as scaled_value
    from sample_values
    inner join moments on sample_values.indicator = moments.indicator

),

final as (

    select * from scaled
    order by indicator, adcode, year

)

select * from final
