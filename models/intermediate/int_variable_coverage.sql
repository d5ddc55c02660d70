with variables as (

    select * from {{ ref('variables') }}

),

quantity_coverage as (

    select * from {{ ref('int_quantity_coverage') }}

),

needs as (

    select
        variable,
        unnest(string_split(required_quantities, ' ')) as quantity
    from variables
    where required_quantities is not null

),

uncovered as (

    select
        needs.variable,
        string_agg(needs.quantity, ' ' order by needs.quantity) as uncovered_quantities,
        string_agg(quantity_coverage.uncovered_reason, ', ' order by needs.quantity) as uncovered_reason
    from needs
    inner join quantity_coverage on needs.quantity = quantity_coverage.quantity
    where not quantity_coverage.is_covered
    group by needs.variable

),

final as (

    select
        variables.position,
        variables.variable,
        variables.column_name,
        variables.role,
        variables.required_quantities,
        uncovered.uncovered_quantities,
        'not covered by this input: ' || uncovered.uncovered_reason as uncovered_reason,
        uncovered.variable is null as is_covered
    from variables
    left join uncovered on variables.variable = uncovered.variable
    order by variables.position

)

select * from final
