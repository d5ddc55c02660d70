with fixed_effects as (

    select * from {{ ref('est_fixed_effects') }}

),

instrumental_variable as (

    select * from {{ ref('est_instrumental_variable') }}

),

matching as (

    select * from {{ ref('est_matching') }}

),

double_machine_learning as (

    select * from {{ ref('est_double_machine_learning') }}

),

mediation as (

    select * from {{ ref('est_mediation_coefficients') }}

),

samples as (

    select * from {{ ref('samples') }}

),

variables as (

    select * from {{ ref('variables') }}

),

published as (

    select * from {{ ref('published_estimates') }}

),

unioned as (

    {% for name in [
        'fixed_effects', 'instrumental_variable', 'matching', 'double_machine_learning', 'mediation'
    ] -%}
    select {{ record_columns() }} from {{ name }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The names of the paper: a column of the panel may carry its unit, the constant is a term, a first stage has the
-- treatment as its outcome, and a regression on a mediator alone has no treatment.
named as (

    select
        unioned.*,
        case
            when unioned.term = '(Intercept)' then 'constant'
            else coalesce(variables.variable, unioned.term)
        end as paper_term,
        coalesce(outcomes.variable, unioned.outcome) as paper_outcome,
        coalesce(unioned.treatment, 'none') as paper_treatment,
        coalesce(samples.published_sample, unioned.sample) as paper_sample
    from unioned
    left join variables on unioned.term = variables.column_name
    left join variables as outcomes on unioned.outcome = outcomes.column_name
    left join samples on unioned.sample = samples.sample

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
