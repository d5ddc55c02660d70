with estimates as (

    select * from {{ ref('est_fixed_effects') }}

),

variables as (

    select * from {{ ref('variables') }}

),

published as (

    select * from {{ ref('published_estimates') }}

),

baseline as (

    select * from estimates
    where result = 'baseline_effects'

),

-- The paper's names of the terms: a column of the panel may carry its unit in its name.
named as (

    select
        baseline.*,
        case
            when baseline.term = '(Intercept)' then 'constant'
            else coalesce(variables.variable, baseline.term)
        end as paper_term
    from baseline
    left join variables on baseline.term = variables.column_name

),

final as (

    select
        named.spec_id,
        named.paper_table,
        named.column_no,
        named.outcome,
        named.treatment,
        named.term,
        named.paper_term,
        named.sample,
        named.vcov,
        named.estimate,
        named.std_error,
        named.t_stat,
        named.p_value,
        named.ci_low,
        named.ci_high,
        named.n_obs,
        named.n_cities,
        named.n_treated_cities,
        named.n_dropped_missing,
        named.n_dropped_singletons,
        named.dropped_terms,
        named.r2,
        named.r2_within,
        named.status,
        named.message,
        published.estimate::double as published_estimate,
        published.t_stat::double as published_t_stat,
        published.stars as published_stars,
        published.n_obs::integer as published_n_obs,
        published.r2::double as published_r2
    from named
    left join published
        on
            named.paper_table = published.table_no
            and named.column_no = published.column_no::integer
            and named.paper_term = published.term
    order by named.column_no, named.vcov, named.term

)

select * from final
