-- pyfixest finds the same coefficients and standard errors in the data of this build, and runs every regression that we run.
with cross_check as (

    select * from {{ ref('estimate_cross_check') }}

)

select
    spec_id,
    term,
    vcov,
    estimate_relative_gap,
    std_error_relative_gap,
    message
from cross_check
where
    (
        message is null
        -- What we refuse to state (a clustered error that rests on one city) has nothing to agree with.
        and coalesce(status, 'ok') != 'not_identified'
        and not coalesce(
            estimate_relative_gap < 1e-6 and std_error_relative_gap < 1e-6 and n_obs = pyfixest_n_obs,
            false
        )
    )
    or (message is not null and estimate is not null)
