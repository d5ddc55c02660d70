with staggered as (

    select * from {{ ref('est_staggered') }}

),

fixed_effects as (

    select * from {{ ref('est_fixed_effects') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

-- The two-way fixed effects estimate of the same regression: same outcome, treatment, rows and controls.
two_way as (

    select
        specifications.regression,
        fixed_effects.estimate,
        fixed_effects.std_error
    from fixed_effects
    inner join specifications on fixed_effects.spec_id = specifications.spec_id
    where fixed_effects.vcov = 'CRV1' and fixed_effects.term = fixed_effects.treatment
    qualify row_number() over (partition by specifications.regression order by fixed_effects.spec_id) = 1

),

final as (

    select
        staggered.spec_id,
        staggered.estimator,
        staggered.outcome,
        staggered.treatment,
        staggered.sample,
        staggered.event_time,
        staggered.vcov,
        staggered.estimate,
        staggered.std_error,
        staggered.t_stat,
        staggered.p_value,
        staggered.ci_low,
        staggered.ci_high,
        staggered.n_obs,
        staggered.n_cities,
        staggered.n_treated_cities,
        staggered.status,
        staggered.message,
        two_way.estimate as twfe_estimate,
        two_way.std_error as twfe_std_error,
        two_way.estimate - staggered.estimate as twfe_less_robust
    from staggered
    left join specifications on staggered.spec_id = specifications.spec_id
    left join two_way
        on
            specifications.regression = two_way.regression
            and staggered.event_time is null
    order by staggered.spec_id, staggered.event_time nulls first

)

select * from final
