with summary_statistics as (

    select * from {{ ref('published_summary_statistics') }}

),

-- Table 2: means, standard deviations and extremes
final as (

    select
        variable,
        role = 'treatment' as is_dummy,
        n_obs::integer as n_obs,
        mean as mean_text,
        std_dev as std_dev_text,
        minimum as minimum_text,
        maximum as maximum_text,
        mean::double - {{ half('mean') }} as mean_low,
        mean::double + {{ half('mean') }} as mean_high,
        std_dev::double - {{ half('std_dev') }} as std_dev_low,
        std_dev::double + {{ half('std_dev') }} as std_dev_high,
        minimum::double - if(contains(minimum, '.'), {{ half('minimum') }}, 0) as minimum_low,
        minimum::double + if(contains(minimum, '.'), {{ half('minimum') }}, 0) as minimum_high,
        maximum::double - if(contains(maximum, '.'), {{ half('maximum') }}, 0) as maximum_low,
        maximum::double + if(contains(maximum, '.'), {{ half('maximum') }}, 0) as maximum_high
    from summary_statistics

)

select * from final
