with published as (

    select * from {{ ref('published_iv_diagnostics') }}

),

instrumental_variable as (

    select * from {{ ref('instrumental_variable') }}

),

-- The paper does not name its variance estimator. Its Cragg-Donald F is not the square of its first-stage t, which it
-- would be under iid errors, so the robust LM statistic is the likelier counterpart.
ours as (

    select
        paper_table,
        treatment,
        max(kleibergen_paap_rk_lm_robust) as kleibergen_paap_rk_lm,
        max(cragg_donald_f) as cragg_donald_wald_f
    from instrumental_variable
    where paper_table is not null
    group by paper_table, treatment

),

-- Agreement is a value within half of the published.
unioned as (

    {% for statistic in ['kleibergen_paap_rk_lm', 'cragg_donald_wald_f'] -%}
    select
        'instrument diagnostic' as kind,
        published.table_no,
        null::varchar as panel,
        published.treatment || ' / {{ statistic }}' as subject,
        published.{{ statistic }}::double as published_value,
        ours.{{ statistic }} as our_value,
        abs(our_value / published_value - 1) <= 0.5 as agrees
    from published
    left join ours
        on
            published.table_no = ours.paper_table
            and published.treatment = ours.treatment
    {{ 'union all' if not loop.last }}

    {% endfor -%}
),

final as (

    select *
    from unioned
    order by subject

)

select * from final
