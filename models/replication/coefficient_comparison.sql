with coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

samples as (

    select * from {{ ref('stg_samples') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

published as (

    select * from {{ ref('published_estimates') }}

),

-- The names of the paper: a column of the panel may carry its unit, the constant is a term, a first stage has the
-- treatment as its outcome, and a regression on a mediator alone has no treatment.
named as (

    select
        coefficients.*,
        case
            when coefficients.term = '(Intercept)' then 'constant'
            else coalesce(variables.variable, coefficients.term)
        end as paper_term,
        coalesce(outcomes.variable, coefficients.outcome) as paper_outcome,
        coalesce(coefficients.treatment, 'none') as paper_treatment,
        coalesce(samples.published_sample, coefficients.sample) as paper_sample
    from coefficients
    left join variables on coefficients.term = variables.column_name
    left join variables as outcomes on coefficients.outcome = outcomes.column_name
    left join samples on coefficients.sample = samples.sample

),

final as (

    select
        named.spec_id,
        named.result,
        named.paper_table,
        named.panel,
        coalesce(published.column_no::bigint, named.column_no) as column_no,
        named.estimator,
        named.outcome,
        named.paper_outcome,
        named.treatment,
        named.paper_treatment,
        named.term,
        named.paper_term,
        named.sample,
        named.paper_sample,
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
        published.r2::double as published_r2,
        published.estimate is not null as is_published
    from named
    left join published
        on
            named.paper_table = published.table_no
            and coalesce(named.panel, '') = coalesce(published.panel, '')
            and named.paper_outcome = published.outcome
            and named.paper_treatment = published.treatment
            and named.paper_term = published.term
            and named.paper_sample = published.sample
    order by named.spec_id, named.vcov, named.term

)

select * from final
