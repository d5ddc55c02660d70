with contributions as (

    select * from {{ ref('int_index_contributions') }}

),

-- The weighted mean of a dimension's indicators. Each sum in the printed order of the indicators, so that the last digit
-- does not depend on the plan.
final as (

    select
        adcode,
        year,
        dimension,
        sum(contribution order by position) / sum(weight order by position) as value,
        count(*) as n_indicators
    from contributions
    group by adcode, year, dimension
    order by adcode, year, dimension

)

select * from final
