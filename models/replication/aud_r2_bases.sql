with coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

counts as (

    select * from {{ ref('aud_published_counts') }}

),

group_pairs as (

    select * from {{ ref('aud_group_pairs') }}

),

-- The coefficient of the policy itself.
regressions as (

    select *
    from coefficients
    where term = treatment

),

swapped_t_values as (

    select
        table_no,
        panel_key,
        treatment,
        unnest([larger_sample, smaller_sample]) as sample,
        unnest([smaller_t_low, larger_t_low]) as t_low,
        unnest([smaller_t_high, larger_t_high]) as t_high
    from group_pairs
    where looks_swapped

),

additional_terms as (

    select
        table_no,
        panel_key,
        column_no,
        count(*) - 1 as n_terms
    from coefficients
    where table_no != '3'
    group by table_no, panel_key, column_no

),

-- On one sample, all policies' regressions lead back to one R² without the policy: 1 - (1 - R²)(1 + t²/df).
-- Clustered t values (Table 5 D) and samples that differ by policy (Table 5 A) are left out.
common_base as (

    select
        regressions.*,
        coalesce(swapped.t_low, regressions.t_abs_low) as other_t_low,
        coalesce(swapped.t_high, regressions.t_abs_high) as other_t_high,
        swapped.t_low is not null as looks_swapped,
        case regressions.treatment when 'bcs' then 1 when 'iic' then 2 when 'dual' then 3 else 4 end as treatment_order,
        counts.cities,
        counts.years_2011_2021 - if(regressions.panel_key = 'B_lagged_treatment', 1, 0) as n_years,
        counts.n_controls + 1 + coalesce(additional.n_terms, 0) as n_regressors
    from regressions
    left join swapped_t_values as swapped
        on
            regressions.table_no = swapped.table_no
            and regressions.panel_key = swapped.panel_key
            and regressions.treatment = swapped.treatment
            and regressions.sample = swapped.sample
    left join additional_terms as additional
        on
            regressions.table_no = additional.table_no
            and regressions.panel_key = additional.panel_key
            and regressions.column_no = additional.column_no
    cross join counts
    where
        regressions.r2_text is not null
        and counts.cities is not null
        and regressions.panel_key not in ('A_psm_did', 'D_high_dimensional_fe')
        and (regressions.table_no in ('3', '5', '10') or regressions.outcome != 'nqp')

),

-- The number of cities is known where the groups are fixed; elsewhere every possible number is tried.
base_degrees as (

    select
        common_base.*,
        n_cities,
        n_obs - n_cities - (n_years - 1) - n_regressors as df
    from common_base
    cross join unnest(generate_series(
        ceil(n_obs / n_years)::bigint,
        greatest(ceil(n_obs / n_years)::bigint, if(panel_key in {{ changing_groups() }}, cities, 0))
    )) as numbers (n_cities)

),

final as (

    select
        *,
        1 - (1 - r2_low) * (1 + t_abs_high ** 2 / df) as base_low,
        1 - (1 - r2_high) * (1 + t_abs_low ** 2 / df) as base_high,
        1 - (1 - r2_low) * (1 + other_t_high ** 2 / df) as other_base_low,
        1 - (1 - r2_high) * (1 + other_t_low ** 2 / df) as other_base_high
    from base_degrees
    order by table_no, panel_key, column_no, outcome, treatment, sample, n_cities

)

select * from final
