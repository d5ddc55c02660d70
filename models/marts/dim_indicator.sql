with indicators as (

    select * from {{ ref('stg_indicators') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

index_weights as (

    select * from {{ ref('int_index_weights') }}

),

final as (

    select
        indicators.position,
        indicators.indicator,
        indicators.name_zh,
        indicators.name_en,
        indicators.dimension,
        indicators.dimension_zh,
        indicators.subdimension_zh,
        indicators.definition_zh,
        indicators.direction,
        indicators.computed_by,
        indicators.unit,
        indicator_coverage.required_measures,
        indicator_coverage.proxies,
        indicator_coverage.is_covered,
        indicator_coverage.uncovered_reason,
        index_weights.weight
    from indicators
    inner join indicator_coverage on indicators.indicator = indicator_coverage.indicator
    left join index_weights on indicators.indicator = index_weights.indicator
    order by indicators.position

)

select * from final
