-- Each pair of groups splits the sample: no city-year in both, none in neither (growth targets and population may be
-- missing in an input that does not cover them).
with city_years as (

    select * from {{ ref('fct_study_panel') }}

)

select
    adcode,
    year
from city_years
where
    (sample_resource::integer + sample_non_resource::integer != sample_full::integer)
    or (sample_central::integer + sample_peripheral::integer != sample_full::integer)
    or (sample_large::integer + sample_small_medium::integer
        != (sample_full and is_large_city is not null)::integer)
    or (sample_soft_target::integer + sample_hard_target::integer
        != (sample_full and growth_target_is_hard is not null)::integer)
    or (sample_raised_target::integer + sample_not_raised_target::integer
        != (sample_full and is_growth_target_raised is not null)::integer)
    or (sample_pilot_cities and not (sample_bcs_cities or sample_iic_cities))
    or (sample_bcs_only_or_never and sample_iic_cities)
    or (dual = 1) != (bcs = 1 and iic = 1)
