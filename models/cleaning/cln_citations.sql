-- What a supplementary source says of each of its values: one row per file and row.
with supplementary_values as (

    select * from {{ ref('stg_supplementary_values') }}

),

final as (

    select
        file,
        "row",
        source as citation
    from supplementary_values

)

select * from final
