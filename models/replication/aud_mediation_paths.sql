with coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

counts as (

    select * from {{ ref('aud_published_counts') }}

),

-- Regressors in one column: the first path has the mediator as its outcome, the second path and the direct effect
-- stand beside each other, and the total effect is the baseline of Table 3.
final as (

    select
        first_path.table_no,
        first_path.panel,
        first_path.place,
        first_path.outcome as mediator,
        first_path.treatment,
        first_path.column_no || ', ' || second_path.column_no as column_no,
        second_path.column_no as full_column_no,
        first_path.n_obs,
        first_path.estimate_text as a_text,
        first_path.estimate_low as a_low,
        first_path.estimate_high as a_high,
        first_path.t_text as t_a_text,
        first_path.t_abs_low as t_a_low,
        first_path.t_abs_high as t_a_high,
        second_path.estimate_text as b_text,
        second_path.estimate_low as b_low,
        second_path.estimate_high as b_high,
        second_path.t_text as t_b_text,
        second_path.t_abs_low as t_b_low,
        second_path.t_abs_high as t_b_high,
        second_path.t_low as t_b_signed_low,
        second_path.t_high as t_b_signed_high,
        second_path.r2_text as full_r2_text,
        second_path.r2_low as full_r2_low,
        second_path.r2_high as full_r2_high,
        direct.estimate_text as direct_text,
        direct.estimate_low as direct_low,
        direct.estimate_high as direct_high,
        direct.t_text as t_direct_text,
        direct.t_low as t_direct_low,
        direct.t_high as t_direct_high,
        direct.t_abs_low as t_direct_abs_low,
        direct.t_abs_high as t_direct_abs_high,
        total.estimate_text as total_text,
        total.estimate_low as total_low,
        total.estimate_high as total_high,
        total.r2_text as total_r2_text,
        total.r2_low as total_r2_low,
        total.r2_high as total_r2_high,
        alone.column_no as alone_column_no,
        alone.r2_text as alone_r2_text,
        alone.r2_low as alone_r2_low,
        alone.r2_high as alone_r2_high,
        -- The t values that the three simple relations rest on, signed: outcome on policy, mediator on policy, outcome
        -- on mediator.
        total.t_low as t_total_low,
        total.t_high as t_total_high,
        first_path.t_low as t_a_signed_low,
        first_path.t_high as t_a_signed_high,
        alone.t_low as t_alone_low,
        alone.t_high as t_alone_high,
        counts.baseline_df as df
    from coefficients as first_path
    inner join coefficients as second_path
        on
            first_path.table_no = second_path.table_no
            and first_path.panel_key = second_path.panel_key
            and first_path.outcome = second_path.term
            and first_path.treatment = second_path.treatment
    inner join coefficients as direct
        on
            second_path.table_no = direct.table_no
            and second_path.panel_key = direct.panel_key
            and second_path.column_no = direct.column_no
            and direct.term = direct.treatment
    left join coefficients as total
        on
            first_path.treatment = total.treatment
            and total.table_no = '3'
            and total.term = total.treatment
    left join coefficients as alone
        on
            first_path.table_no = alone.table_no
            and first_path.panel_key = alone.panel_key
            and alone.treatment = 'none'
            and alone.term = first_path.outcome
    cross join counts
    where first_path.table_no = '8' and first_path.term = first_path.treatment and second_path.outcome = 'nqp'

)

select * from final
