with comparisons as (

    select * from {{ ref('est_bacon_comparisons') }}

),

groups as (

    select * from {{ ref('est_bacon_groups') }}

),

published as (

    select * from {{ ref('published_bacon_decomposition') }}

),

pairs as (

    select
        spec_id,
        treatment,
        outcome,
        comparison,
        'pair' as level,
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
        comparison,
        'group' as level,
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

    select
        unioned.spec_id,
        unioned.treatment,
        unioned.outcome,
        unioned.level,
        unioned.comparison,
        unioned.treated_cohort,
        unioned.control_cohort,
        unioned.n_treated_cities,
        unioned.n_control_cities,
        unioned.n_comparisons,
        unioned.weight,
        unioned.estimate,
        unioned.twfe_estimate,
        published.weight::double as published_weight,
        published.estimate::double as published_estimate,
        unioned.status,
        unioned.message
    from unioned
    left join published
        on
            unioned.level = 'group'
            and unioned.treatment = published.treatment
            and unioned.comparison = published.comparison
    order by unioned.spec_id, unioned.level, unioned.comparison, unioned.treated_cohort, unioned.control_cohort

)

select * from final
