with estimates as (

    select * from {{ ref('est_event_study') }}

),

pretrend as (

    select * from {{ ref('est_event_study_pretrend') }}

),

final as (

    select
        estimates.spec_id,
        estimates.paper_table,
        estimates.outcome,
        estimates.treatment,
        estimates.sample,
        estimates.event_time,
        estimates.is_binned,
        estimates.vcov,
        estimates.estimate,
        estimates.std_error,
        estimates.t_stat,
        estimates.p_value,
        estimates.ci_low,
        estimates.ci_high,
        estimates.n_obs,
        estimates.n_cities,
        estimates.n_treated_cities,
        estimates.status,
        estimates.message,
        pretrend.n_leads as pretrend_leads,
        pretrend.statistic as pretrend_f,
        pretrend.p_value as pretrend_p_value
    from estimates
    left join pretrend
        on
            estimates.spec_id = pretrend.spec_id
            and estimates.vcov = pretrend.vcov
    where estimates.event_time is not null or estimates.status != 'ok'
    order by estimates.spec_id, estimates.vcov, estimates.event_time

)

select * from final
