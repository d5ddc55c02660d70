-- A failed data quality check of severity error stops the estimates: this test fails, and dbt skips what comes after.
with expectations as (

    select * from {{ ref('data_quality_expectations') }}

)

select
    expectation_id,
    observed,
    bound,
    results_in_doubt
from expectations
where severity = 'error' and not passed
