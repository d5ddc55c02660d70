with policies as (

    select * from {{ ref('policies') }}

),

final as (

    select
        policy_id,
        name_zh,
        name_en,
        kind,
        case when components is not null then string_split(components, ' ') end as components,
        role,
        list_id_setting,
        source
    from policies

)

select * from final
