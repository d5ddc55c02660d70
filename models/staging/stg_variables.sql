with variables as (

    select * from {{ ref('variables') }}

),

-- The order of the rows is the order of the file.
final as (

    select
        row_number() over ()::integer as position,
        variable,
        column_name,
        role,
        name_zh,
        name_en,
        unit,
        expression,
        required_measures,
        note
    from variables

)

select * from final
