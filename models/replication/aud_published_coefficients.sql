with estimates as (

    select * from {{ ref('published_estimates') }}

),

final as (

    select
        table_no,
        panel,
        coalesce(panel, '') as panel_key,
        column_no,
        outcome,
        treatment,
        term,
        sample,
        coalesce(stars, '') as stars,
        estimate as estimate_text,
        t_stat as t_text,
        r2 as r2_text,
        'Table ' || table_no || if(panel similar to '[A-Z]_.*', ' Panel ' || left(panel, 1), '') as place,
        n_obs::integer as n_obs,
        estimate::double as estimate,
        estimate::double - {{ half('estimate') }} as estimate_low,
        estimate::double + {{ half('estimate') }} as estimate_high,
        t_stat::double as t_value,
        t_stat::double - {{ half('t_stat') }} as t_low,
        t_stat::double + {{ half('t_stat') }} as t_high,
        greatest(abs(t_stat::double) - {{ half('t_stat') }}, 0) as t_abs_low,
        abs(t_stat::double) + {{ half('t_stat') }} as t_abs_high,
        r2::double - {{ half('r2') }} as r2_low,
        r2::double + {{ half('r2') }} as r2_high,
        nullif(replace(coalesce(note, ''), 'group_difference_p=', ''), '') as p_text
    from estimates

)

select * from final
