-- A pilot year outside the frame is a slip of the pen or a frame that is too short.
with pilot_units as (

    select * from {{ ref('stg_pilot_units') }}

),

frame as (

    select
        min(year) as first_year,
        max(year) as last_year
    from {{ ref('int_city_year_frame') }}

)

select
    pilot_units.policy_id,
    pilot_units.listed_name,
    pilot_units.start_year
from pilot_units
cross join frame
where
    pilot_units.is_included
    and pilot_units.start_year not between frame.first_year and frame.last_year
