with comparisons as (

    select * from {{ ref('est_bacon_comparisons') }}

),

groups as (

    select * from {{ ref('est_bacon_groups') }}

),

pairs as (

    select
        spec_id,
        treatment,
        outcome,
        'pair' as level,
        comparison,
        treated_cohort,
        control_cohort,
        n_treated_cities,
        n_control_cities,
        1 as n_comparisons,
        weight,
        estimate,
        null::double as twfe_estimate,
        status,
        message
    from comparisons
    where comparison is not null

),

summed as (

    select
        spec_id,
        treatment,
        outcome,
        'group' as level,
        comparison,
        null::bigint as treated_cohort,
        null::bigint as control_cohort,
        null::bigint as n_treated_cities,
        null::bigint as n_control_cities,
        n_comparisons,
        weight,
        estimate,
        twfe_estimate,
        status,
        message
    from groups

),

unioned as (

    select * from pairs
    union all
    select * from summed

),

final as (

    select *
    from unioned
    order by spec_id, level, comparison, treated_cohort, control_cohort

)

select * from final
