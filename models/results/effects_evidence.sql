with policies as (

    select * from {{ ref('dim_policy') }}

),

coefficients as (

    select * from {{ ref('regression_coefficients') }}

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
    where term = treatment
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

-- A city that holds the pilot in every year of the frame has no years before it to be compared with.
always_treated as (

    select
        'baseline_effects' as result,
        'Treated in every year of the frame, so compared with nobody before their pilot: '
        || string_agg(policy_id || ' ' || n_always_treated_sample_cities || ' cities', ', ' order by policy_id)
        || '.' as sentence
    from policies
    where role = 'study' and n_always_treated_sample_cities > 0
    having count(*) > 0

),

final as (

    select
        coalesce(clustering.result, always_treated.result) as result,
        nullif(concat_ws(' ', clustering.evidence, always_treated.sentence), '') as evidence
    from clustering
    full outer join always_treated on clustering.result = always_treated.result
    order by result

)

select * from final
