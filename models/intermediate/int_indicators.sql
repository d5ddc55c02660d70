with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

indicators as (

    select * from {{ ref('stg_indicators') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

frontier_productivity as (

    select * from {{ ref('int_frontier_productivity') }}

),

coupling_degree as (

    select * from {{ ref('int_coupling_degree') }}

),

covered_indicators as (

    select
        indicators.*
    from indicators
    inner join indicator_coverage on indicators.indicator = indicator_coverage.indicator
    where indicator_coverage.is_covered

),

ratios as (

    select
        numerator.adcode,
        numerator.year,
        covered_indicators.indicator,
        covered_indicators.factor * numerator.value / denominator.value as value
    from covered_indicators
    inner join measures as numerator on covered_indicators.numerator = numerator.measure
    inner join measures as denominator
        on
            covered_indicators.denominator = denominator.measure
            and numerator.adcode = denominator.adcode
            and numerator.year = denominator.year
    where covered_indicators.computed_by = 'ratio'

),

levels as (

    select
        numerator.adcode,
        numerator.year,
        covered_indicators.indicator,
        covered_indicators.factor * numerator.value as value
    from covered_indicators
    inner join measures as numerator on covered_indicators.numerator = numerator.measure
    where covered_indicators.computed_by = 'level'

),

productivity as (

    select
        frontier_productivity.adcode,
        frontier_productivity.year,
        covered_indicators.indicator,
        frontier_productivity.log_total_factor_productivity as value
    from covered_indicators
    cross join frontier_productivity
    where covered_indicators.computed_by = 'frontier'

),

coupling as (

    select
        coupling_degree.adcode,
        coupling_degree.year,
        covered_indicators.indicator,
        coupling_degree.coupling_coordination_degree as value
    from covered_indicators
    cross join coupling_degree
    where covered_indicators.computed_by = 'coupling'

),

unioned as (

    select * from ratios
    union all
    select * from levels
    union all
    select * from productivity
    union all
    select * from coupling

),

final as (

    select
        unioned.adcode,
        unioned.year,
        unioned.indicator,
        unioned.value,
        sample_membership.in_sample
    from unioned
    inner join frame
        on
            unioned.adcode = frame.adcode
            and unioned.year = frame.year
    inner join sample_membership on unioned.adcode = sample_membership.adcode
    order by unioned.indicator, unioned.adcode, unioned.year

)

select * from final
