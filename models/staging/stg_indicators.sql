with indicators as (

    select * from {{ ref('indicators') }}

),

-- The order of the rows is the order of the file.
final as (

    select
        row_number() over ()::integer as position,
        indicator,
        name_zh,
        name_en,
        dimension,
        dimension_zh,
        subdimension_zh,
        definition_zh,
        dimension_en,
        subdimension_en,
        definition_en,
        direction,
        computed_by,
        numerator,
        denominator,
        factor,
        unit
    from indicators

)

select * from final
