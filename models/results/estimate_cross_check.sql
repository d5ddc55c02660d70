with coefficients as (

    select * from {{ ref('regression_coefficients') }}

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
        coefficients.estimate,
        pyfixest.pyfixest_estimate,
        round(abs(coefficients.estimate / pyfixest.pyfixest_estimate - 1), 8) as estimate_relative_gap,
        coefficients.std_error,
        pyfixest.pyfixest_std_error,
        round(abs(coefficients.std_error / pyfixest.pyfixest_std_error - 1), 8) as std_error_relative_gap,
        coefficients.n_obs,
        pyfixest.pyfixest_n_obs,
        coefficients.status,
        pyfixest.message
    from pyfixest
    left join coefficients
        on
            pyfixest.spec_id = coefficients.spec_id
            and pyfixest.term = coefficients.term
            and pyfixest.vcov = coefficients.vcov
    order by pyfixest.spec_id, pyfixest.vcov, pyfixest.term

)

select * from final
