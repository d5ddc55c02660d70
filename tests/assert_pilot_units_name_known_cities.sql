-- Every unit that makes a city treated names a city of the geography.
with pilot_units as (

    select * from {{ ref('int_pilot_units') }}

),

cities as (

    select * from {{ ref('stg_cities') }}

)

select
    pilot_units.policy_id,
    pilot_units.unit,
    pilot_units.adcode
from pilot_units
left join cities on pilot_units.adcode = cities.adcode
where cities.adcode is null
