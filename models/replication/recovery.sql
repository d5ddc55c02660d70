with planted as (

    select * from {{ ref('fct_planted_effect') }}

),

-- The whole effect, and what of it goes through each mediator.
planted_parts as (

    {% for part, column in [
        ('total', 'planted_effect'), ('through_agglomeration', 'planted_through_agglomeration'),
        ('through_innovation', 'planted_through_innovation')
    ] -%}
    select
        * exclude (planted_effect),
        '{{ part }}' as part,
        {{ column }} as planted_effect
    from planted
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

variables as (

    select * from {{ ref('variables') }}

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

-- The binned end stands for several event times, so it has no single planted effect beside it.
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
    where estimate is not null and (event_time is null or event_time >= 0)

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

-- The treated of a sample, as the planted averages name them.
estimates as (

    select
        unioned.* exclude (sample),
        case unioned.sample
            when 'sample_full' then 'all'
            when 'sample_bcs_only_or_never' then 'single'
            when 'sample_iic_only_or_never' then 'single'
            when 'sample_never_and_bcs_first' then 'bcs_first'
            when 'sample_never_and_iic_first' then 'iic_first'
            else replace(unioned.sample, 'sample_', '')
        end as planted_group
    from unioned
    inner join specifications on unioned.spec_id = specifications.spec_id
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
        estimates.planted_group,
        estimates.event_time,
        planted.scenario,
        planted.n_treated_city_years,
        planted.planted_effect,
        estimates.estimate,
        estimates.std_error,
        estimates.estimate - planted.planted_effect as error,
        (estimates.estimate - planted.planted_effect) / estimates.std_error as error_in_std_errors,
        planted.source as data_source
    from estimates
    inner join planted_parts as planted
        on
            estimates.treatment = planted.policy_id
            and estimates.part = planted.part
            and estimates.planted_group = planted.planted_group
            and estimates.event_time is not distinct from planted.event_time
    order by estimates.spec_id, estimates.event_time

)

select * from final
