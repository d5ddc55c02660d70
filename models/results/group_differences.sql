with differences as (

    select * from {{ ref('est_group_differences') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

samples as (

    select * from {{ ref('stg_samples') }}

),

labelled as (

    select
        differences.spec_id,
        specifications.paper_table,
        specifications.panel,
        differences.outcome,
        differences.treatment,
        differences.group_1,
        differences.group_2,
        first_sample.name_en as group_1_name,
        second_sample.name_en as group_2_name,
        differences.estimate_1,
        differences.std_error_1,
        differences.estimate_2,
        differences.std_error_2,
        differences.difference,
        differences.permutation_p as permutation_p_value,
        differences.permutation_draws,
        differences.permuted,
        differences.n_permuted_cities,
        differences.interaction_p as interaction_p_value,
        differences.wald_p as wald_p_value,
        differences.n_obs_1,
        differences.n_obs_2,
        differences.n_cities_1,
        differences.n_cities_2,
        differences.status,
        differences.message
    from differences
    left join specifications on differences.spec_id = specifications.spec_id
    left join samples as first_sample on differences.group_1 = first_sample.sample
    left join samples as second_sample on differences.group_2 = second_sample.sample

),

holm as (

    {{ holm('labelled', family='paper_table', p_value='permutation_p_value') | indent(4) }}

),

final as (

    select
        labelled.*,
        holm.holm_p_value,
        holm.n_tests as n_tests_in_table
    from labelled
    left join holm on labelled.spec_id = holm.spec_id
    order by labelled.paper_table, labelled.panel, labelled.treatment

)

select * from final
