{#- Up to how many times the standard error of the smaller group that of the larger group may be. -#}
{%- set largest_se_ratio = 2 -%}

with regressions as (

    select *
    from {{ ref('aud_published_coefficients') }}
    where term = treatment

),

baseline as (

    select
        *,
        abs(estimate) / nullif(abs(t_value), 0) as std_error
    from regressions
    where table_no = '3'

),

group_pairs as (

    select
        larger.table_no,
        larger.panel,
        larger.panel_key,
        larger.place,
        larger.treatment,
        least(larger.column_no::integer, smaller.column_no::integer) || ', '
        || greatest(larger.column_no::integer, smaller.column_no::integer) as column_no,
        larger.p_text,
        larger.sample as larger_sample,
        larger.n_obs as larger_n_obs,
        larger.estimate_text as larger_estimate_text,
        larger.t_text as larger_t_text,
        larger.stars as larger_stars,
        larger.t_abs_low as larger_t_low,
        larger.t_abs_high as larger_t_high,
        abs(larger.estimate / larger.t_value) as larger_se,
        abs(larger.estimate / smaller.t_value) as larger_se_swapped_t,
        (abs(larger.estimate) - (larger.estimate_high - larger.estimate)) / larger.t_abs_high as larger_se_low,
        smaller.sample as smaller_sample,
        smaller.n_obs as smaller_n_obs,
        smaller.estimate_text as smaller_estimate_text,
        smaller.t_text as smaller_t_text,
        smaller.stars as smaller_stars,
        smaller.t_abs_low as smaller_t_low,
        smaller.t_abs_high as smaller_t_high,
        abs(smaller.estimate / smaller.t_value) as smaller_se,
        abs(smaller.estimate / larger.t_value) as smaller_se_swapped_t,
        (abs(smaller.estimate) + (smaller.estimate_high - smaller.estimate)) / smaller.t_abs_low as smaller_se_high,
        -- The difference of the two estimates in standard errors, at the edges that make it largest and smallest.
        (
            abs(larger.estimate - smaller.estimate)
            + (larger.estimate_high - larger.estimate) + (smaller.estimate_high - smaller.estimate)
        ) / sqrt(
            ((abs(larger.estimate) - (larger.estimate_high - larger.estimate)) / larger.t_abs_high) ** 2
            + ((abs(smaller.estimate) - (smaller.estimate_high - smaller.estimate)) / smaller.t_abs_high) ** 2
        ) as z_high,
        greatest(
            abs(larger.estimate - smaller.estimate)
            - (larger.estimate_high - larger.estimate) - (smaller.estimate_high - smaller.estimate),
            0
        ) / sqrt(
            ((abs(larger.estimate) + (larger.estimate_high - larger.estimate)) / larger.t_abs_low) ** 2
            + ((abs(smaller.estimate) + (smaller.estimate_high - smaller.estimate)) / smaller.t_abs_low) ** 2
        ) as z_low
    from regressions as larger
    inner join regressions as smaller
        on
            larger.table_no = smaller.table_no
            and larger.panel_key = smaller.panel_key
            and larger.treatment = smaller.treatment
            and larger.n_obs > smaller.n_obs
    where larger.table_no = '10'

),

final as (

    select
        group_pairs.*,
        baseline.std_error as baseline_se,
        baseline.n_obs as baseline_n_obs,
        -- With equal variances the standard error falls with the root of the observations.
        abs(ln(larger_se_swapped_t / (baseline.std_error * sqrt(baseline.n_obs / group_pairs.larger_n_obs))))
        > abs(ln(smaller_se / (baseline.std_error * sqrt(baseline.n_obs / group_pairs.larger_n_obs))))
            as whole_cells_are_nearer,
        larger_se_low > {{ largest_se_ratio }} * smaller_se_high
        and larger_se_swapped_t < smaller_se_swapped_t as looks_swapped
    from group_pairs
    left join baseline on group_pairs.treatment = baseline.treatment

)

select * from final
