with contributions as (

    select * from {{ ref('int_index_contributions') }}

),

-- Each sum in the printed order of the indicators, so that the last digit does not depend on the plan.
final as (

    select
        adcode,
        year,
        sum(contribution order by position) as index_value,
        count(*) as n_indicators
    from contributions
    group by adcode, year
    order by adcode, year

)

select * from final
