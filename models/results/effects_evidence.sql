with policies as (

    select * from {{ ref('dim_policy') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

robust_inference as (

    select * from {{ ref('robust_inference') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

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
        'The clustered standard errors are '
        || {{ rounded_range('std_error_clustered / std_error_iid', 1) }} || ' times the iid ones; '
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

final as (

    select
        coalesce(clustering.result, always_treated.result) as result,
        nullif(
            concat_ws(' ', clustering.evidence, resampling.sentence, joint.sentence, always_treated.sentence), ''
        ) as evidence
    from clustering
    full outer join always_treated on clustering.result = always_treated.result
    left join resampling on clustering.result = resampling.result
    left join joint on clustering.result = joint.result
    order by result

)

select * from final
