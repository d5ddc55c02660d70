with published as (

    select * from {{ ref('published_index_weights') }}

),

index_weights as (

    select * from {{ ref('index_weights') }}

),

-- Agreement is a distance of at most 0.01.
final as (

    select
        'index weight' as kind,
        published.table_no,
        published.dimension as panel,
        published.indicator as subject,
        published.weight::double as published_value,
        index_weights.weight as our_value,
        abs(our_value - published_value) <= 0.01 as agrees
    from published
    left join index_weights on published.indicator = index_weights.indicator
    order by published.indicator

)

select * from final
