with variables as (

    select * from {{ ref('stg_variables') }}

),

measure_coverage as (

    select * from {{ ref('int_measure_coverage') }}

),

needs as (

    select
        variable,
        unnest(string_split(required_measures, ' ')) as measure
    from variables
    where required_measures is not null

),

uncovered as (

    select
        needs.variable,
        string_agg(needs.measure, ' ' order by needs.measure) as uncovered_measures,
        string_agg(measure_coverage.uncovered_reason, ', ' order by needs.measure) as uncovered_reason
    from needs
    inner join measure_coverage on needs.measure = measure_coverage.measure
    where not measure_coverage.is_covered
    group by needs.variable

),

final as (

    select
        variables.position,
        variables.variable,
        variables.column_name,
        variables.role,
        variables.required_measures,
        uncovered.uncovered_measures,
        'not covered by this input: ' || uncovered.uncovered_reason as uncovered_reason,
        uncovered.variable is null as is_covered
    from variables
    left join uncovered on variables.variable = uncovered.variable
    order by variables.position

)

select * from final
