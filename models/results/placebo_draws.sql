with draws as (

    select * from {{ ref('est_placebo_draws') }}

),

final as (

    select
        spec_id,
        treatment,
        draw,
        estimate,
        std_error_iid,
        t_iid,
        std_error_crv1,
        t_crv1
    from draws
    order by spec_id, draw

)

select * from final
