-- A regression that cannot be run is a row with a status and a sentence: no specification is without rows, and no row
-- without an estimate is without a sentence.
with specifications as (

    select * from {{ ref('int_specifications') }}

),

rows_by_specification as (

    select spec_id, status, message from {{ ref('est_fixed_effects') }}
    union all
    select spec_id, status, message from {{ ref('est_event_study') }}
    union all
    select spec_id, status, message from {{ ref('est_instrumental_variable') }}
    union all
    select spec_id, status, message from {{ ref('est_placebo_test') }}
    union all
    select spec_id, status, message from {{ ref('est_matching') }}
    union all
    select spec_id, status, message from {{ ref('est_double_machine_learning') }}
    union all
    select spec_id, status, message from {{ ref('est_staggered') }}
    union all
    select spec_id, status, message from {{ ref('est_parallel_trends_sensitivity') }}
    union all
    select spec_id, status, message from {{ ref('est_bacon_groups') }}
    union all
    select spec_id, status, message from {{ ref('est_mediation_effects') }}
    union all
    select spec_id, status, message from {{ ref('est_group_differences') }}
    union all
    select spec_id, status, message from {{ ref('est_specification_curve_test') }}
    union all
    select spec_id, status, message from {{ ref('est_spillovers') }}

)

select
    specifications.spec_id,
    'no rows' as problem
from specifications
left join rows_by_specification on specifications.spec_id = rows_by_specification.spec_id
where rows_by_specification.spec_id is null

union all

select
    spec_id,
    'no sentence' as problem
from rows_by_specification
where status != 'ok' and coalesce(message, '') = ''
