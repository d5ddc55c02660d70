with indicators as (

    select * from {{ ref('indicators') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

quantity_coverage as (

    select * from {{ ref('int_quantity_coverage') }}

),

capital_stock as (

    select * from {{ ref('int_capital_stock') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

formula_quantities as (

    select
        indicator,
        numerator as quantity
    from indicators
    where computed_by in ('ratio', 'level')

    union all

    select
        indicator,
        denominator as quantity
    from indicators
    where computed_by = 'ratio'

    union all

    select
        indicators.indicator,
        frontier_inputs.quantity
    from indicators
    cross join (
        values ('real_gdp'), ('employees'), ('real_investment')
    ) as frontier_inputs (quantity)
    where indicators.computed_by = 'frontier'

),

-- A component of the coupling degree is used when both its quantities are covered.
usable_components as (

    select
        coupling_components.subsystem,
        coupling_components.component,
        coupling_components.numerator,
        coupling_components.denominator
    from coupling_components
    inner join quantity_coverage as numerator_coverage
        on coupling_components.numerator = numerator_coverage.quantity
    inner join quantity_coverage as denominator_coverage
        on coupling_components.denominator = denominator_coverage.quantity
    where numerator_coverage.is_covered and denominator_coverage.is_covered

),

component_quantities as (

    select
        indicators.indicator,
        unnest([usable_components.numerator, usable_components.denominator]) as quantity
    from indicators
    cross join usable_components
    where indicators.computed_by = 'coupling'

),

subsystems_covered as (

    select count(distinct subsystem) = 2 as both_covered from usable_components

),

capital_coverage as (

    select
        (select count(*) from capital_stock) / (select count(*) from frame) as available_share

),

needs as (

    select distinct * from formula_quantities
    union
    select distinct * from component_quantities

),

judged as (

    select
        indicators.position,
        indicators.indicator,
        indicators.computed_by,
        string_agg(distinct needs.quantity, ' ' order by needs.quantity) as required_quantities,
        string_agg(distinct needs.quantity, ' ' order by needs.quantity)
            filter (not quantity_coverage.is_covered) as uncovered_quantities
    from indicators
    left join needs on indicators.indicator = needs.indicator
    left join quantity_coverage on needs.quantity = quantity_coverage.quantity
    group by indicators.position, indicators.indicator, indicators.computed_by

),

reasons as (

    select
        judged.position,
        judged.indicator,
        judged.computed_by,
        judged.required_quantities,
        case
            when judged.uncovered_quantities is not null
                then 'not covered by this input: ' || judged.uncovered_quantities
            when judged.computed_by = 'coupling' and not subsystems_covered.both_covered
                then 'one of the two subsystems has no covered component'
            when
                judged.computed_by = 'frontier'
                and capital_coverage.available_share < {{ setting('coverage_limit') }}::double
                then 'the capital stock needs investment in every year and the frame has gaps'
        end as uncovered_reason
    from judged
    cross join subsystems_covered
    cross join capital_coverage

),

final as (

    select
        *,
        uncovered_reason is null as is_covered
    from reasons
    order by position

)

select * from final
