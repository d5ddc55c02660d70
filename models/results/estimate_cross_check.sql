with baseline as (

    select * from {{ ref('baseline_effects') }}

),

pyfixest as (

    select * from {{ ref('est_pyfixest') }}

),

final as (

    select
        pyfixest.spec_id,
        pyfixest.treatment,
        pyfixest.term,
        pyfixest.vcov,
        baseline.estimate,
        pyfixest.pyfixest_estimate,
        round(abs(baseline.estimate / pyfixest.pyfixest_estimate - 1), 8) as estimate_relative_gap,
        baseline.std_error,
        pyfixest.pyfixest_std_error,
        round(abs(baseline.std_error / pyfixest.pyfixest_std_error - 1), 8) as std_error_relative_gap,
        baseline.n_obs,
        pyfixest.pyfixest_n_obs,
        pyfixest.message
    from pyfixest
    left join baseline
        on
            pyfixest.spec_id = baseline.spec_id
            and pyfixest.term = baseline.term
            and pyfixest.vcov = baseline.vcov
    order by pyfixest.spec_id, pyfixest.vcov, pyfixest.term

)

select * from final
