with resampled as (

    select * from {{ ref('est_robust_inference') }}

),

placebo_tests as (

    select * from {{ ref('est_placebo_test') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

-- The placebo policies of the same regression.
randomised as (

    select
        specifications.spec_id,
        placebo_tests.outcome,
        placebo_tests.treatment,
        placebo_tests.sample,
        placebo_tests.treatment as term,
        'randomisation' as method,
        placebo_tests.estimate,
        null::double as std_error,
        null::double as t_stat,
        placebo_tests.randomisation_p_t as p_value,
        null::double as ci_low,
        null::double as ci_high,
        placebo_tests.n_draws as draws,
        placebo_tests.seed,
        placebo_tests.n_obs,
        placebo_tests.n_cities,
        placebo_tests.status,
        placebo_tests.message
    from placebo_tests
    inner join specifications as of_placebo on placebo_tests.spec_id = of_placebo.spec_id
    inner join specifications on of_placebo.regression = specifications.regression
    where specifications.spec_id in (select resampled.spec_id from resampled)

),

unioned as (

    select * from resampled
    union all
    select * from randomised

),

final as (

    select
        unioned.spec_id,
        specifications.result,
        unioned.outcome,
        unioned.treatment,
        unioned.sample,
        unioned.term,
        unioned.method,
        unioned.estimate,
        unioned.std_error,
        unioned.t_stat,
        unioned.p_value,
        unioned.ci_low,
        unioned.ci_high,
        unioned.draws,
        unioned.seed,
        unioned.n_obs,
        unioned.n_cities,
        unioned.status,
        unioned.message
    from unioned
    inner join specifications on unioned.spec_id = specifications.spec_id
    order by unioned.spec_id, unioned.method

)

select * from final
