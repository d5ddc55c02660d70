with resampled as (

    select * from {{ ref('est_robust_inference') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

final as (

    select
        resampled.spec_id,
        specifications.result,
        resampled.outcome,
        resampled.treatment,
        resampled.sample,
        resampled.term,
        resampled.method,
        resampled.effective_cities,
        resampled.estimate,
        resampled.std_error,
        resampled.t_stat,
        resampled.p_value,
        resampled.ci_low,
        resampled.ci_high,
        resampled.draws,
        resampled.seed,
        resampled.n_obs,
        resampled.n_cities,
        resampled.status,
        resampled.message
    from resampled
    inner join specifications on resampled.spec_id = specifications.spec_id
    order by resampled.spec_id, resampled.method

)

select * from final
