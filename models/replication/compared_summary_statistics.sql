with published as (

    select * from {{ ref('published_summary_statistics') }}

),

summary_statistics as (

    select * from {{ ref('summary_statistics') }}

),

joined as (

    select
        published.table_no,
        published.role as panel,
        published.variable,
        published.n_obs::integer as published_n_obs,
        {% for statistic in ['mean', 'std_dev', 'minimum', 'maximum'] -%}
        published.{{ statistic }}::double as published_{{ statistic }},
        summary_statistics.{{ statistic }},
        {% endfor -%}
        summary_statistics.n_obs
    from published
    left join summary_statistics on published.variable = summary_statistics.variable

),

-- Agreement is a distance of at most 2 percent or one unit of the last published digit; counts must be equal.
unioned as (

    {% for statistic in ['mean', 'std_dev', 'minimum', 'maximum'] -%}
    select
        'summary statistic' as kind,
        table_no,
        panel,
        variable || ' / {{ statistic }}' as subject,
        published_{{ statistic }} as published_value,
        {{ statistic }} as our_value,
        abs(our_value - published_value) <= greatest(0.02 * abs(published_value), 0.0001) as agrees
    from joined

    union all

    {% endfor -%}
    select
        'observations' as kind,
        table_no,
        panel,
        variable as subject,
        published_n_obs as published_value,
        n_obs as our_value,
        our_value = published_value as agrees
    from joined

),

final as (

    select *
    from unioned
    order by kind, subject

)

select * from final
