with variables as (

    select * from {{ ref('stg_variables') }}

),

hypotheses as (

    select * from {{ ref('multiple_hypotheses') }}

),

curve_tests as (

    select * from {{ ref('specification_curve_test') }}

),

spatial_errors as (

    select * from {{ ref('spatial_inference') }}

),

autocorrelation as (

    select * from {{ ref('residual_autocorrelation') }}

),

spillovers as (

    select * from {{ ref('spatial_spillovers') }}

),

-- The notes speak of the first outcome of the study; another has its own rows in the results.
main_outcome as (

    select column_name as outcome
    from variables
    where role = 'outcome'
    qualify row_number() over (order by position) = 1

),

-- Conley's error over the clustered one of the same regression, at every distance.
spatial_ratios as (

    select
        conley.cutoff_km,
        conley.std_error / clustered.std_error as ratio
    from spatial_errors as conley
    inner join spatial_errors as clustered
        on conley.spec_id = clustered.spec_id and clustered.dependence = 'within_city'
    where
        conley.dependence = 'same_year'
        and conley.kernel = 'bartlett'
        and conley.result = 'baseline_effects'
        and conley.outcome in (select main_outcome.outcome from main_outcome)
        and clustered.std_error > 0
        and conley.std_error is not null

),

unioned as (

    select
        'multiple_hypotheses' as result,
        count(*) filter (p_value < 0.05) || ' of ' || count(*) || ' tests reject at 5 % alone, '
        || count(*) filter (romano_wolf_p_value < 0.05) || ' within their table after Romano and Wolf, '
        || count(*) filter (holm_p_value < 0.05) || ' after Holm.' as evidence
    from hypotheses
    where family != 'all' and status = 'ok' and outcome in (select main_outcome.outcome from main_outcome)
    having count(*) > 0

    union all

    select
        'specification_curve' as result,
        'Medians in standard deviations of the outcome and joint p values: '
        || string_agg(
            treatment || ' ' || round(median, 3) || ' from ' || n_regressions || ' regressions (p '
            || round(median_p_value, 3) || ')', ', ' order by treatment
        ) || '.' as evidence
    from curve_tests
    where status = 'ok' and outcome in (select main_outcome.outcome from main_outcome)
    having count(*) > 0

    union all

    select
        'spatial_inference' as result,
        'Conley errors of the baseline (Bartlett, same year) are '
        || {{ rounded_range('ratio', 2) }} || ' times the clustered ones, at up to '
        || max(cutoff_km)::integer || ' km.' as evidence
    from spatial_ratios
    having count(*) > 0

    union all

    select
        'residual_autocorrelation' as result,
        count(*) filter (permutation_p_value < 0.05) || ' of ' || count(*)
        || ' pooled values of Moran''s I have a permutation p value below 5 %.' as evidence
    from autocorrelation
    where year is null and status = 'ok' and outcome in (select main_outcome.outcome from main_outcome)
    having count(*) > 0

    union all

    select
        'spatial_spillovers' as result,
        count(*) filter (p_value < 0.05) || ' of ' || count(*)
        || ' effects on cities near a treated one have a clustered p value below 5 %.' as evidence
    from spillovers
    where
        vcov = 'CRV1'
        and status = 'ok'
        and term != treatment
        and estimate is not null
        and outcome in (select main_outcome.outcome from main_outcome)
    having count(*) > 0

),

final as (

    select *
    from unioned
    order by result

)

select * from final
