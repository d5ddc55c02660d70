with indicators as (

    select * from {{ ref('indicators') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

quantity_coverage as (

    select * from {{ ref('int_quantity_coverage') }}

),

quantity_series as (

    select * from {{ ref('int_quantity_series') }}

),

formula_quantities as (

    select
        indicator,
        null as subsystem,
        numerator as quantity
    from indicators
    where computed_by in ('ratio', 'level')

    union all

    select
        indicator,
        null as subsystem,
        denominator as quantity
    from indicators
    where computed_by = 'ratio'

    union all

    select
        indicators.indicator,
        null as subsystem,
        frontier_inputs.quantity
    from indicators
    cross join (
        values ('real_gdp'), ('employees'), ('real_investment')
    ) as frontier_inputs (quantity)
    where indicators.computed_by = 'frontier'

),

-- A component of the coupling degree is used when both its quantities are covered.
component_quantities as (

    select
        indicators.indicator,
        coupling_components.subsystem,
        unnest([coupling_components.numerator, coupling_components.denominator]) as quantity
    from indicators
    cross join coupling_components
    inner join quantity_coverage as numerator_coverage
        on coupling_components.numerator = numerator_coverage.quantity
    inner join quantity_coverage as denominator_coverage
        on coupling_components.denominator = denominator_coverage.quantity
    where
        indicators.computed_by = 'coupling'
        and numerator_coverage.is_covered
        and denominator_coverage.is_covered

),

needs as (

    select * from formula_quantities
    union
    select * from component_quantities

),

final as (

    select
        needs.indicator,
        needs.subsystem,
        needs.quantity,
        quantity_coverage.is_covered,
        quantity_coverage.uncovered_reason,
        if(quantity_series.is_proxy, quantity_series.proxy_note, null) as proxy_note
    from needs
    left join quantity_coverage on needs.quantity = quantity_coverage.quantity
    left join quantity_series on needs.quantity = quantity_series.quantity
    order by needs.indicator, needs.subsystem, needs.quantity

)

select * from final
