with true_effects as (

    select * from {{ ref('fct_true_effect') }}

),

samples as (

    select * from {{ ref('stg_samples') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

event_study as (

    select * from {{ ref('event_study') }}

),

mediation as (

    select * from {{ ref('mediation_effects') }}

),

robust as (

    select * from {{ ref('heterogeneity_robust_effects') }}

),

-- Estimates of the average effect on the treated, in the whole sample or within a group, with clustered errors.
average_effects as (

    select
        spec_id,
        estimator,
        outcome,
        treatment,
        'total' as part,
        sample,
        null::bigint as event_time,
        estimate,
        std_error
    from coefficients
    where
        term = treatment
        and vcov = 'CRV1'
        and estimate is not null
        and result in (
            'baseline_effects', 'robustness_effects', 'synergy_effects', 'order_effects', 'heterogeneous_effects',
            'instrumental_variable'
        )

),

-- The binned end stands for several event times, so it has no single true effect beside it.
effects_by_event_time as (

    select
        spec_id,
        'event_study' as estimator,
        outcome,
        treatment,
        'total' as part,
        sample,
        event_time,
        estimate,
        std_error
    from event_study
    where vcov = 'CRV1' and event_time >= 0 and not is_binned

),

-- Stacking and local projections average over a common window of event times, so the average over all treated
-- city-years is not their true effect.
robust_effects as (

    select
        spec_id,
        estimator,
        outcome,
        treatment,
        'total' as part,
        sample,
        event_time,
        estimate,
        std_error
    from robust
    where
        estimate is not null
        and (event_time >= 0 or (event_time is null and estimator not in ('stacked', 'local_projections')))

),

indirect_effects as (

    select
        spec_id,
        'mediation' as estimator,
        outcome,
        treatment,
        'through_' || mediator as part,
        sample,
        null::bigint as event_time,
        indirect_effect as estimate,
        indirect_effect / sobel_z as std_error
    from mediation
    where vcov = 'CRV1' and indirect_effect is not null

),

unioned as (

    select * from average_effects
    union all
    select * from effects_by_event_time
    union all
    select * from robust_effects
    union all
    select * from indirect_effects

),

estimates as (

    select
        unioned.*,
        samples.treated_group
    from unioned
    inner join specifications on unioned.spec_id = specifications.spec_id
    inner join samples on unioned.sample = samples.sample
    inner join variables on unioned.outcome = variables.column_name
    -- What was planted is the effect on the index, and a lagged treatment has another one.
    where variables.expression = 'index_value' and specifications.lag = 0

),

final as (

    select
        estimates.spec_id,
        estimates.estimator,
        estimates.treatment,
        estimates.part,
        estimates.treated_group,
        estimates.event_time,
        true_effects.scenario,
        true_effects.n_treated_city_years,
        true_effects.true_effect,
        estimates.estimate,
        estimates.std_error,
        estimates.estimate - true_effects.true_effect as error,
        (estimates.estimate - true_effects.true_effect) / estimates.std_error as error_in_std_errors,
        true_effects.source as data_source
    from estimates
    inner join true_effects
        on
            estimates.treatment = true_effects.policy_id
            and estimates.part = true_effects.part
            and estimates.treated_group = true_effects.treated_group
            and estimates.event_time is not distinct from true_effects.event_time
    order by estimates.spec_id, estimates.event_time

)

select * from final
