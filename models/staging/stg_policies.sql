with policies as (

    select * from {{ ref('policies') }}

),

-- The order of the rows is the order of the file.
final as (

    select
        row_number() over ()::integer as position,
        policy_id,
        name_zh,
        name_en,
        short_zh,
        short_en,
        kind,
        case when components is not null then string_split(components, ' ') end as components,
        role,
        list_id,
        panel_column,
        source
    from policies

)

select * from final
