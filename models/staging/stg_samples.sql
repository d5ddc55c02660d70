with samples as (

    select * from {{ ref('samples') }}

),

-- The order of the rows is the order of the file.
final as (

    select
        row_number() over ()::integer as position,
        sample,
        condition,
        published_sample,
        treated_group,
        name_zh,
        name_en
    from samples

)

select * from final
