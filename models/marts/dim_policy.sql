with policies as (

    select * from {{ ref('stg_policies') }}

),

timing as (

    select * from {{ ref('int_treatment_timing') }}

),

sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

first_year as (

    select min(year) as first_year from {{ ref('int_city_year_frame') }}

),

counts as (

    select
        timing.policy_id,
        count(timing.first_treated_year) as n_treated_cities,
        count(timing.first_treated_year) filter (sample_membership.in_sample) as n_treated_sample_cities,
        -- Treated in every year of the frame: such a city is never seen before its pilot.
        count(*) filter (
            sample_membership.in_sample and timing.first_treated_year <= first_year.first_year
        ) as n_always_treated_sample_cities,
        min(timing.first_treated_year) as first_cohort,
        max(timing.first_treated_year) as last_cohort
    from timing
    inner join sample_membership on timing.adcode = sample_membership.adcode
    cross join first_year
    group by timing.policy_id

),

final as (

    select
        policies.policy_id,
        policies.name_zh,
        policies.name_en,
        policies.kind,
        array_to_string(policies.components, ' ') as components,
        policies.role,
        counts.n_treated_cities,
        counts.n_treated_sample_cities,
        counts.n_always_treated_sample_cities,
        counts.first_cohort,
        counts.last_cohort,
        policies.source
    from policies
    left join counts on policies.policy_id = counts.policy_id
    order by policies.policy_id

)

select * from final
