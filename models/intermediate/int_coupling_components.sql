with sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

measure_coverage as (

    select * from {{ ref('int_measure_coverage') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

usable_components as (

    select coupling_components.*
    from coupling_components
    inner join measure_coverage as numerator_coverage
        on coupling_components.numerator = numerator_coverage.measure
    inner join measure_coverage as denominator_coverage
        on coupling_components.denominator = denominator_coverage.measure
    where numerator_coverage.is_covered and denominator_coverage.is_covered

),

final as (

    select
        numerator.adcode,
        numerator.year,
        usable_components.subsystem,
        usable_components.component,
        usable_components.factor * numerator.value / denominator.value as value
    from usable_components
    inner join measures as numerator on usable_components.numerator = numerator.measure
    inner join measures as denominator
        on
            usable_components.denominator = denominator.measure
            and numerator.adcode = denominator.adcode
            and numerator.year = denominator.year
    inner join sample_membership on numerator.adcode = sample_membership.adcode
    where
        sample_membership.in_sample
        and exists (
            select 1 from indicator_coverage
            where indicator_coverage.computed_by = 'coupling' and indicator_coverage.is_covered
        )
    order by usable_components.subsystem, usable_components.component, numerator.adcode, numerator.year

)

select * from final
