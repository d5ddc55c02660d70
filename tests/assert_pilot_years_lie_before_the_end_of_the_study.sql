-- A pilot may start before the frame (its cities are then treated in every year). A start before 1978 or after the
-- last year that the study is about is a slip of the pen.
with pilot_units as (

    select * from {{ ref('int_pilot_units') }}

)

select
    policy_id,
    unit,
    start_year
from pilot_units
where
    start_year not between 1978
    and coalesce(try_cast({{ setting('study_last_year') }} as integer), 9999)
