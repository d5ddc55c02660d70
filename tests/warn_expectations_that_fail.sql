{{ config(severity = 'warn') }}
-- A failed data quality check of severity warning is told, and the estimates are made all the same.
with expectations as (

    select * from {{ ref('data_quality_expectations') }}

)

select
    expectation_id,
    observed,
    bound,
    results_in_doubt
from expectations
where severity = 'warning' and not passed
