with study_keys as (

    select * from {{ ref('study_keys') }}

),

study as (

    select * from {{ ref('study') }}

),

final as (

    select
        study_keys.key as setting,
        coalesce(study.value, study_keys.default_value) as value,
        study_keys.unit,
        study_keys.description
    from study_keys
    left join study on study_keys.key = study.key
    order by study_keys.key

)

select * from final
