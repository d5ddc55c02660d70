with effects_evidence as (

    select * from {{ ref('effects_evidence') }}

),

inference_evidence as (

    select * from {{ ref('inference_evidence') }}

),

choices_evidence as (

    select * from {{ ref('choices_evidence') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

index_weights as (

    select * from {{ ref('index_weights') }}

),

summary_statistics as (

    select * from {{ ref('summary_statistics') }}

),

instrumental_variable as (

    select * from {{ ref('instrumental_variable') }}

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

-- The notes speak of the first outcome of the study; another has its own rows in the results.
main_outcome as (

    select
        variable,
        column_name as outcome
    from variables
    where role = 'outcome'
    qualify row_number() over (order by position) = 1

),

unioned as (

    select * from effects_evidence

    union all

    select * from inference_evidence

    union all

    select * from choices_evidence

    union all

    select
        'index_weights' as result,
        count(weight) || ' of ' || count(*) || ' indicators are covered; their weights are '
        || {{ rounded_range('weight', 3) }} || ', and ' || max(n_components_retained)
        || ' components explain ' || round(100 * max(explained_share))::integer || ' % of the variance.'
        || coalesce(' Proxies: ' || string_agg(distinct proxies, ', ' order by proxies) || '.', '') as evidence
    from index_weights

    union all

    select
        'summary_statistics' as result,
        'The largest value of the outcome lies ' || round((maximum - mean) / std_dev, 1)
        || ' standard deviations above the mean; ' || n_filled || ' of its ' || n_obs
        || ' observations rest on at least one value that was interpolated or carried. In the whole panel ' || basis || '.'
            as evidence
    from summary_statistics
    where variable in (select main_outcome.variable from main_outcome)

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
        and outcome in (select main_outcome.outcome from main_outcome)

    union all

    select
        'bacon_decomposition' as result,
        'Weight of the forbidden comparisons: '
        || string_agg(treatment || ' ' || round(100 * weight, 1) || ' %', ', ' order by treatment) || '.' as evidence
    from bacon_decomposition
    where
        level = 'group'
        and comparison = 'earlier_treated_as_control'
        and outcome in (select main_outcome.outcome from main_outcome)

    union all

    select
        'heterogeneity_robust_effects' as result,
        'The robust average effects lie ' || {{ rounded_range('abs(twfe_less_robust) / std_error', 1) }}
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
    having count(*) > 0

    union all

    select
        'group_differences' as result,
        count(*) filter (permutation_p_value < 0.05) || ' of ' || count(*)
        || ' differences have a permutation p value below 5 %, ' || count(*) filter (holm_p_value < 0.05)
        || ' after Holm''s correction within their table.' as evidence
    from group_differences
    having count(*) > 0

),

final as (

    select *
    from unioned
    order by result

)

select * from final
