-- The four cities on which each main effect hangs most: the effect without the city, and by what share it changes.
with influence as (

    select * from {{ ref('city_influence') }}

),

final as (

    select
        treatment,
        city_name_zh,
        first_treated_year,
        estimate,
        estimate_without,
        change_share,
        variance_share,
        influence_rank
    from influence
    where influence_rank <= 4 and outcome = 'nqp' and spec_id like 'baseline%'
    order by treatment, influence_rank, adcode

)

select * from final
