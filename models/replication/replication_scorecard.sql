with compared_coefficients as (

    select * from {{ ref('compared_coefficients') }}

),

compared_index_weights as (

    select * from {{ ref('compared_index_weights') }}

),

compared_summary_statistics as (

    select * from {{ ref('compared_summary_statistics') }}

),

compared_instrument_diagnostics as (

    select * from {{ ref('compared_instrument_diagnostics') }}

),

compared_bacon_decomposition as (

    select * from {{ ref('compared_bacon_decomposition') }}

),

compared_sobel_tests as (

    select * from {{ ref('compared_sobel_tests') }}

),

compared_group_differences as (

    select * from {{ ref('compared_group_differences') }}

),

compared_sample_counts as (

    select * from {{ ref('compared_sample_counts') }}

),

compared_orderings as (

    select * from {{ ref('compared_orderings') }}

),

slips as (

    select * from {{ ref('published_slips') }}

),

sobel_tests as (

    select
        compared_sobel_tests.*,
        slips.sobel_test is not null as is_slip_of_the_paper
    from compared_sobel_tests
    left join slips on compared_sobel_tests.panel || '/' || compared_sobel_tests.subject = slips.sobel_test

),

unioned as (

    select * from compared_coefficients
    {% for name in [
        'compared_index_weights', 'compared_summary_statistics', 'compared_instrument_diagnostics',
        'compared_bacon_decomposition', 'sobel_tests', 'compared_group_differences', 'compared_sample_counts',
        'compared_orderings'
    ] -%}
    union all by name
    select * from {{ name }}
    {% endfor %}

),

final as (

    select
        concat_ws(' | ', kind, table_no, panel, column_no, subject) as check_id,
        kind,
        table_no,
        panel,
        column_no,
        subject,
        published_value,
        our_value,
        our_value - published_value as difference,
        published_std_error,
        abs(our_value - published_value) / published_std_error as distance_in_published_std_errors,
        sign_agrees,
        published_significance,
        our_significance_iid,
        our_significance_clustered,
        significance_at_5_percent_agrees,
        published_n_obs,
        our_n_obs,
        n_obs_agrees,
        agrees,
        coalesce(is_slip_of_the_paper, false) as is_slip_of_the_paper,
        coalesce(status, if(our_value is null, 'not computed from this input', 'ok')) as status,
        {% if var('source') == 'demo' -%}
        'simulated demo yearbook: agreement checks the pipeline, not the paper' as data_source
        {%- else -%}
        'yearbooks and supplementary sources of this build' as data_source
        {%- endif %}
    from unioned
    order by kind, table_no, panel, column_no, subject

)

select * from final
