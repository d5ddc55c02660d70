with indicator_needs as (

    select * from {{ ref('int_indicator_needs') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

variable_coverage as (

    select * from {{ ref('int_variable_coverage') }}

),

-- A variable that is made of the index rests on the covered indicators, every variable on its own measures.
indicator_uses as (

    select
        variable_coverage.variable,
        indicator_needs.indicator,
        indicator_needs.measure
    from indicator_needs
    inner join indicator_coverage on indicator_needs.indicator = indicator_coverage.indicator
    cross join variable_coverage
    inner join variables on variable_coverage.variable = variables.variable
    where
        indicator_coverage.is_covered
        and variable_coverage.role not in ('group', 'instrument', 'measure')
        and regexp_matches(variables.expression, '\bindex_value\b')

),

variable_uses as (

    select
        variable,
        null as indicator,
        unnest(string_split(required_measures, ' ')) as measure
    from variable_coverage
    where is_covered and required_measures is not null and role not in ('group', 'instrument', 'measure')

),

unioned as (

    select * from indicator_uses
    union
    select * from variable_uses

),

final as (

    select * from unioned
    order by variable, indicator, measure

)

select * from final
