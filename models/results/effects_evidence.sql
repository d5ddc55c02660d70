with policies as (

    select * from {{ ref('dim_policy') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

event_study as (

    select * from {{ ref('event_study') }}

),

robust_inference as (

    select * from {{ ref('robust_inference') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

placebo_test as (

    select * from {{ ref('placebo_test') }}

),

sensitivity as (

    select * from {{ ref('parallel_trends_sensitivity') }}

),

pretrend_power as (

    select * from {{ ref('pretrend_power') }}

),

-- The notes speak of the first outcome of the study; another has its own rows in the results.
main_outcome as (

    select column_name as outcome
    from variables
    where role = 'outcome'
    qualify row_number() over (order by position) = 1

),

-- The treatment's row of every specification, with both standard errors side by side.
effects as (

    select
        result,
        spec_id,
        treatment,
        max(estimate) as estimate,
        max(std_error) filter (vcov = 'iid') as std_error_iid,
        max(std_error) filter (vcov = 'CRV1') as std_error_clustered,
        max(p_value) filter (vcov = 'iid') as p_value_iid,
        max(p_value) filter (vcov = 'CRV1') as p_value_clustered,
        max(n_treated_cities) as n_treated_cities,
        max(status) as status
    from coefficients
    where
        term = treatment
        and outcome in (select main_outcome.outcome from main_outcome)
    group by result, spec_id, treatment

),

clustering as (

    select
        result,
        'The clustered standard errors are ' || round(min(std_error_clustered / std_error_iid), 1) || ' to '
        || round(max(std_error_clustered / std_error_iid), 1) || ' times the iid ones; '
        || count(*) filter (p_value_iid < 0.05) || ' of ' || count(estimate)
        || ' effects are significant at 5 % under iid errors, '
        || count(*) filter (p_value_clustered < 0.05) || ' under clustered errors.' as evidence
    from effects
    where result in ('baseline_effects', 'robustness_effects', 'synergy_effects', 'order_effects', 'heterogeneous_effects')
    group by result

),

-- The same by the tests that stay right where few cities are treated.
resampling as (

    select
        result,
        'By the wild bootstrap (Webb) ' || count(*) filter (method = 'wild_webb' and p_value < 0.05) || ' of '
        || count(p_value) filter (method = 'wild_webb') || ', by randomisation '
        || count(*) filter (method = 'randomisation' and p_value < 0.05) || ' of '
        || count(p_value) filter (method = 'randomisation') || '.' as sentence
    from robust_inference
    where outcome in (select main_outcome.outcome from main_outcome)
    group by result

),

studied as (

    select policy_id
    from policies
    where role = 'study'

),

-- Several policies of the study in one regression, where the study asks for that.
joint as (

    select
        coefficients.result,
        'In one regression: '
        || string_agg(
            coefficients.term || ' ' || round(coefficients.estimate, 4) || ' (clustered t '
            || round(coefficients.t_stat, 1) || ')', ', ' order by coefficients.term
        ) || '.' as sentence
    from coefficients
    inner join specifications on coefficients.spec_id = specifications.spec_id
    where
        coefficients.result = 'baseline_effects'
        and coefficients.vcov = 'CRV1'
        and coefficients.term in (select studied.policy_id from studied)
        and list_has_any(
            string_split(specifications.extra_controls, ' '), (select list(studied.policy_id) from studied)
        )
    group by coefficients.result

),

-- A city that holds the pilot in every year of the frame has no years before it to be compared with.
always_treated as (

    select
        'baseline_effects' as result,
        'Treated in every year of the frame, so compared with nobody before their pilot: '
        || string_agg(
            policy_id || ' ' || n_always_treated_sample_cities
            || if(n_always_treated_sample_cities = 1, ' city', ' cities'), ', ' order by policy_id
        )
        || '.' as sentence
    from policies
    where role = 'study' and n_always_treated_sample_cities > 0
    having count(*) > 0

),

pretrends as (

    select distinct
        treatment,
        pretrend_p_value
    from event_study
    where
        vcov = 'CRV1'
        and pretrend_p_value is not null
        and outcome in (select main_outcome.outcome from main_outcome)

),

breakdowns as (

    select distinct
        treatment,
        variant,
        case breakdown
            when 'above' then 'above ' || breakdown_value
            when 'value' then round(breakdown_value, 2)::varchar
            else 'none'
        end as said
    from sensitivity
    where
        restriction = 'relative_magnitudes'
        and parameter = 'first_effect'
        and status = 'ok'
        and outcome in (select main_outcome.outcome from main_outcome)

),

unioned as (

    select * from clustering

    union all

    select
        'parallel_trends_sensitivity' as result,
        'Breakdown values of the first effect under relative magnitudes: '
        || string_agg(treatment || ' by ' || variant || ' ' || said, ', ' order by treatment, variant) || '.' as evidence
    from breakdowns
    having count(*) > 0

    union all

    select
        'pretrend_power' as result,
        'With a probability of 80 % the tests of the leads find a slope that gives the average effect a bias of '
        || round(100 * min(bias_share_of_estimate))::integer || ' to '
        || round(100 * max(bias_share_of_estimate))::integer || ' % of the estimate.' as evidence
    from pretrend_power
    where
        power = 0.8
        and status = 'ok'
        and outcome in (select main_outcome.outcome from main_outcome)
    having count(*) > 0

    union all

    select
        'event_study' as result,
        'Clustered p values of the joint pre-trend test: '
        || string_agg(treatment || ' ' || round(pretrend_p_value, 3), ', ' order by treatment) || '.' as evidence
    from pretrends

    union all

    select
        'placebo_test' as result,
        'Randomisation p values of t: '
        || string_agg(treatment || ' ' || round(randomisation_p_value_of_t, 3), ', ' order by treatment) || '.' as evidence
    from placebo_test
    where outcome in (select main_outcome.outcome from main_outcome)

),

final as (

    select
        coalesce(unioned.result, always_treated.result) as result,
        nullif(
            concat_ws(' ', unioned.evidence, resampling.sentence, joint.sentence, always_treated.sentence), ''
        ) as evidence
    from unioned
    full outer join always_treated on unioned.result = always_treated.result
    left join resampling on unioned.result = resampling.result
    left join joint on unioned.result = joint.result
    order by result

)

select * from final
