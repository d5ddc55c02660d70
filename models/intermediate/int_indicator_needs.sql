with indicators as (

    select * from {{ ref('stg_indicators') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

measure_coverage as (

    select * from {{ ref('int_measure_coverage') }}

),

measure_series as (

    select * from {{ ref('int_measure_series') }}

),

formula_measures as (

    select
        indicator,
        null as subsystem,
        numerator as measure
    from indicators
    where computed_by in ('ratio', 'level')

    union all

    select
        indicator,
        null as subsystem,
        denominator as measure
    from indicators
    where computed_by = 'ratio'

    union all

    select
        indicators.indicator,
        null as subsystem,
        frontier_inputs.measure
    from indicators
    cross join (
        values ('real_gdp'), ('employees'), ('real_investment')
    ) as frontier_inputs (measure)
    where indicators.computed_by = 'frontier'

),

-- A component of the coupling degree is used when both its measures are covered.
component_measures as (

    select
        indicators.indicator,
        coupling_components.subsystem,
        unnest([coupling_components.numerator, coupling_components.denominator]) as measure
    from indicators
    cross join coupling_components
    inner join measure_coverage as numerator_coverage
        on coupling_components.numerator = numerator_coverage.measure
    inner join measure_coverage as denominator_coverage
        on coupling_components.denominator = denominator_coverage.measure
    where
        indicators.computed_by = 'coupling'
        and numerator_coverage.is_covered
        and denominator_coverage.is_covered

),

needs as (

    select * from formula_measures
    union
    select * from component_measures

),

final as (

    select
        needs.indicator,
        needs.subsystem,
        needs.measure,
        measure_coverage.is_covered,
        measure_coverage.uncovered_reason,
        if(measure_series.is_proxy, measure_series.proxy_note, null) as proxy_note
    from needs
    left join measure_coverage on needs.measure = measure_coverage.measure
    left join measure_series on needs.measure = measure_series.measure
    order by needs.indicator, needs.subsystem, needs.measure

)

select * from final
