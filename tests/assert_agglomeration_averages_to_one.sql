-- Weighted by land area, the agglomeration of the sample cities of a year averages to 1 by construction.
with city_years as (

    select * from {{ ref('int_agglomeration') }}

)

select
    year,
    sum(agglomeration * land_area_km2) / sum(land_area_km2) as weighted_mean
from city_years
where agglomeration is not null
group by year
having abs(weighted_mean - 1) > 1e-9
