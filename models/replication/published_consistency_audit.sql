{#- The rules in the order of the table. -#}
{%- set rules = [
    'stars_against_t', 'sign_against_t', 'count_identity', 'group_sizes', 'sample_size', 'whole_cities',
    'matched_sample_size', 'dummy_mean', 'dummy_std_dev', 'mean_between_extremes', 'std_dev_bounds', 'index_weights',
    'bacon_weights', 'bacon_total', 'padded_decimals', 'sobel_bound', 'sobel_formula', 'total_effect',
    'mediator_t_values', 'repeated_panel', 'r2_monotonicity', 'r2_gain_by_chance', 'r2_gain_against_t',
    'r2_without_policy', 'se_across_groups', 'group_difference', 'constant_through_means', 'shared_instrument',
    'first_stage_f',
] -%}

with stars_and_signs as (

    select * from {{ ref('aud_stars_and_signs') }}

),

count_identities as (

    select * from {{ ref('aud_count_identities') }}

),

sample_sizes as (

    select * from {{ ref('aud_sample_sizes') }}

),

summary_statistics as (

    select * from {{ ref('aud_summary_statistics') }}

),

index_weights as (

    select * from {{ ref('aud_index_weights') }}

),

bacon_decomposition as (

    select * from {{ ref('aud_bacon_decomposition') }}

),

mediation as (

    select * from {{ ref('aud_mediation') }}

),

repeated_panels as (

    select * from {{ ref('aud_repeated_panels') }}

),

r2_gains as (

    select * from {{ ref('aud_r2_gains') }}

),

r2_without_policy as (

    select * from {{ ref('aud_r2_without_policy') }}

),

group_comparisons as (

    select * from {{ ref('aud_group_comparisons') }}

),

constants as (

    select * from {{ ref('aud_constants') }}

),

instruments as (

    select * from {{ ref('aud_instruments') }}

),

unioned as (

    select * from stars_and_signs
    union all
    select * from count_identities
    union all
    select * from sample_sizes
    union all
    select * from summary_statistics
    union all
    select * from index_weights
    union all
    select * from bacon_decomposition
    union all
    select * from mediation
    union all
    select * from repeated_panels
    union all
    select * from r2_gains
    union all
    select * from r2_without_policy
    union all
    select * from group_comparisons
    union all
    select * from constants
    union all
    select * from instruments

),

ordered as (

    select
        *,
        list_position({{ rules }}, rule) as rule_order
    from unioned

),

final as (

    select
        concat_ws(
            ':', rule, coalesce(table_no, ''), coalesce(panel, ''), replace(coalesce(column_no, ''), ', ', '+'),
            replace(subject, ' ', '_')
        ) as check_id,
        rule,
        table_no,
        panel,
        column_no,
        subject,
        published,
        implied,
        verdict,
        verdict = 'inconsistent' or (rule = 'se_across_groups' and verdict = 'suspicious') as is_slip,
        sentence
    from ordered
    order by rule_order, try_cast(table_no as integer), panel, column_no, subject

)

select * from final
