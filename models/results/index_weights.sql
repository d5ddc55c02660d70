with dim_indicator as (

    select * from {{ ref('dim_indicator') }}

),

index_weights as (

    select * from {{ ref('int_index_weights') }}

),

final as (

    select
        dim_indicator.position,
        dim_indicator.dimension,
        dim_indicator.dimension_zh,
        dim_indicator.indicator,
        dim_indicator.name_zh,
        dim_indicator.name_en,
        dim_indicator.direction,
        dim_indicator.is_covered,
        dim_indicator.uncovered_reason,
        dim_indicator.proxies,
        index_weights.weight,
        index_weights.combined_coefficient,
        index_weights.against_components,
        index_weights.n_city_years,
        index_weights.n_components_retained,
        index_weights.explained_share
    from dim_indicator
    left join index_weights on dim_indicator.indicator = index_weights.indicator
    order by dim_indicator.position

)

select * from final
