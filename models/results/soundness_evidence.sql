with policies as (

    select * from {{ ref('dim_policy') }}

),

variables as (

    select * from {{ ref('variables') }}

),

index_weights as (

    select * from {{ ref('index_weights') }}

),

summary_statistics as (

    select * from {{ ref('summary_statistics') }}

),

coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

event_study as (

    select * from {{ ref('event_study') }}

),

instrumental_variable as (

    select * from {{ ref('instrumental_variable') }}

),

placebo_test as (

    select * from {{ ref('placebo_test') }}

),

matching_balance as (

    select * from {{ ref('matching_balance') }}

),

bacon_decomposition as (

    select * from {{ ref('bacon_decomposition') }}

),

mediation_effects as (

    select * from {{ ref('mediation_effects') }}

),

group_differences as (

    select * from {{ ref('group_differences') }}

),

robust as (

    select * from {{ ref('heterogeneity_robust_effects') }}

),

-- The notes speak of the index; another outcome of the study has its own rows in the results.
of_the_index as (

    select
        variable,
        column_name as outcome
    from variables
    where expression = 'index_value'

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
    where term = treatment and outcome in (select of_the_index.outcome from of_the_index)
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

pretrends as (

    select distinct
        treatment,
        pretrend_p_value
    from event_study
    where
        vcov = 'CRV1'
        and pretrend_p_value is not null
        and outcome in (select of_the_index.outcome from of_the_index)

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

unioned as (

    select * from clustering

    union all

    select
        'index_weights' as result,
        count(weight) || ' of ' || count(*) || ' indicators are covered; the weights run from '
        || round(min(weight), 3) || ' to ' || round(max(weight), 3) || ', and ' || max(n_components_retained)
        || ' components explain ' || round(100 * max(explained_share)) || ' % of the variance.'
        || coalesce(' Proxies: ' || string_agg(distinct proxies, ', ' order by proxies) || '.', '') as evidence
    from index_weights

    union all

    select
        'summary_statistics' as result,
        'The largest index value lies ' || round((maximum - mean) / std_dev, 1)
        || ' standard deviations above the mean; ' || n_filled || ' of its ' || n_obs
        || ' observations rest on at least one value that was interpolated or carried. In the whole panel ' || basis || '.'
            as evidence
    from summary_statistics
    where variable in (select of_the_index.variable from of_the_index)

    union all

    select
        'event_study' as result,
        'Clustered p values of the joint pre-trend test: '
        || string_agg(treatment || ' ' || round(pretrend_p_value, 3), ', ' order by treatment) || '.' as evidence
    from pretrends

    union all

    select
        'instrumental_variable' as result,
        'With the instrument times year the clustered Kleibergen-Paap F is '
        || string_agg(treatment || ' ' || round(kleibergen_paap_wald_f, 1), ', ' order by treatment)
        filter (instrument like '%:year')
        || coalesce('; where the instrument contains the treatment, its second stage is '
        || string_agg(treatment || ' ' || round(estimate, 4), ', ' order by treatment)
        filter (contains(instrument, ':' || treatment)), '') || '.' as evidence
    from instrumental_variable
    where
        vcov = 'CRV1'
        and term = treatment
        and outcome in (select of_the_index.outcome from of_the_index)

    union all

    select
        'placebo_test' as result,
        'Randomisation p values of t: '
        || string_agg(treatment || ' ' || round(randomisation_p_value_of_t, 3), ', ' order by treatment) || '.' as evidence
    from placebo_test
    where outcome in (select of_the_index.outcome from of_the_index)

    union all

    select
        'matching_balance' as result,
        count(*) filter (stage = 'matched' and not is_balanced) || ' of ' || count(*) filter (stage = 'matched')
        || ' biases exceed 10 % after matching, ' || count(*) filter (stage = 'before' and not is_balanced) || ' of '
        || count(*) filter (stage = 'before') || ' before.' as evidence
    from matching_balance

    union all

    select
        'bacon_decomposition' as result,
        'Weight of the forbidden comparisons: '
        || string_agg(treatment || ' ' || round(100 * weight, 1) || ' %', ', ' order by treatment) || '.' as evidence
    from bacon_decomposition
    where
        level = 'group'
        and comparison = 'earlier_treated_as_control'
        and outcome in (select of_the_index.outcome from of_the_index)

    union all

    select
        'heterogeneity_robust_effects' as result,
        'The robust average effects lie ' || round(min(abs(twfe_less_robust) / std_error), 1) || ' to '
        || round(max(abs(twfe_less_robust) / std_error), 1)
        || ' of their standard errors from two-way fixed effects on the same rows; '
        || count(*) filter (abs(twfe_estimate) < abs(estimate)) || ' of ' || count(*) || ' are larger in size.' as evidence
    from robust
    where event_time is null and status = 'ok' and twfe_estimate is not null
    having count(*) > 0

    union all

    select
        'mediation_effects' as result,
        count(*) filter (vcov = 'iid' and sobel_p_value < 0.05) || ' of ' || count(*) filter (vcov = 'iid')
        || ' Sobel tests reject at 5 % under iid errors, ' || count(*) filter (vcov = 'CRV1' and sobel_p_value < 0.05)
        || ' under clustered errors; ' || count(*) filter (vcov = 'iid' and (bootstrap_low > 0 or bootstrap_high < 0))
        || ' bootstrap intervals leave out zero.' as evidence
    from mediation_effects

    union all

    select
        'group_differences' as result,
        count(*) filter (permutation_p_value < 0.05) || ' of ' || count(*)
        || ' differences have a permutation p value below 5 %, ' || count(*) filter (holm_p_value < 0.05)
        || ' after Holm''s correction within their table.' as evidence
    from group_differences

),

final as (

    select
        coalesce(unioned.result, always_treated.result) as result,
        nullif(concat_ws(' ', unioned.evidence, always_treated.sentence), '') as evidence
    from unioned
    full outer join always_treated on unioned.result = always_treated.result
    order by result

)

select * from final
