{{ config(severity = 'warn') }}
-- An input that prints more or fewer cities than expected is told, not repaired.
with row_counts as (

    select * from {{ ref('row_count_check') }}

)

select
    source,
    series,
    scope,
    year,
    message
from row_counts
where not passed
