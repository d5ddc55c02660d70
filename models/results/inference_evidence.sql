with variables as (

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

placebo_test as (

    select * from {{ ref('placebo_test') }}

),

matching_balance as (

    select * from {{ ref('matching_balance') }}

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

-- Biases before, and in the rows and with the weights that a variant regresses; then what becomes of the effect.
biases as (

    select
        stage,
        count(distinct (treatment, variable)) filter (not is_balanced) || ' of '
        || count(distinct (treatment, variable)) || ' ' || replace(stage, '_', ' ') as counted
    from matching_balance
    where is_balanced is not null
    group by stage

),

matched_effects as (

    select
        specifications.variant,
        'Effects by ' || replace(specifications.variant, '_', ' ') || ': '
        || string_agg(
            coefficients.treatment || ' ' || round(coefficients.estimate, 4), ', ' order by coefficients.treatment
        ) || '.' as estimates
    from coefficients
    inner join specifications on coefficients.spec_id = specifications.spec_id
    where
        specifications.estimator = 'matching'
        and coefficients.vcov = 'CRV1'
        and coefficients.term = coefficients.treatment
        and coefficients.estimate is not null
        and coefficients.outcome in (select main_outcome.outcome from main_outcome)
    group by specifications.variant

),

matching_evidence as (

    select
        'matching_balance' as result,
        'Biases above 10 %: ' || string_agg(counted, ', ' order by stage) || '.'
        || coalesce(
            ' '
            || (select string_agg(matched_effects.estimates, ' ' order by matched_effects.variant) from matched_effects),
            ''
        ) as evidence
    from biases
    having count(*) > 0

),

unioned as (

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
        || {{ rounded_range('100 * bias_share_of_estimate', 0) }} || ' % of the estimate.' as evidence
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

    union all

    select * from matching_evidence

),

final as (

    select *
    from unioned
    order by result

)

select * from final
