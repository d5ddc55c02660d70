with staggered as (

    select * from {{ ref('est_staggered') }}

),

fixed_effects as (

    select * from {{ ref('est_fixed_effects') }}

),

-- The two-way fixed effects estimate with the same treatment, rows and controls.
two_way as (

    select
        treatment,
        sample,
        estimate,
        std_error
    from fixed_effects
    where result in ('baseline_effects', 'synergy_effects') and vcov = 'CRV1' and term = treatment

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
    left join two_way
        on
            staggered.treatment = two_way.treatment
            and staggered.sample = two_way.sample
            and staggered.event_time is null
    order by staggered.spec_id, staggered.event_time nulls first

)

select * from final
