with timing as (

    select * from {{ ref('int_treatment_timing') }}

),

sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

final as (

    select
        timing.adcode,
        timing.policy_id,
        timing.first_treated_year,
        timing.batch,
        timing.confidence,
        timing.source,
        sample_membership.in_sample
    from timing
    inner join sample_membership on timing.adcode = sample_membership.adcode
    order by timing.policy_id, timing.adcode

)

select * from final
