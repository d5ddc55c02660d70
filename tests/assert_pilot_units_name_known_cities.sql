-- Every unit that makes a city treated names a city of the geography.
with pilot_units as (

    select * from {{ ref('stg_pilot_units') }}

),

cities as (

    select * from {{ ref('stg_cities') }}

)

select
    pilot_units.policy_id,
    pilot_units.listed_name,
    pilot_units.adcode
from pilot_units
left join cities on pilot_units.adcode = cities.adcode
where pilot_units.is_included and cities.adcode is null
