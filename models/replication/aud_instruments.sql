with coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

diagnostics as (

    select * from {{ ref('published_iv_diagnostics') }}

),

-- Table 4: with one instrument, first stage times second stage is the effect of the instrument on the outcome. It does
-- not depend on the policy if all three columns use one instrument (section 4.2 (1): relief times the dual policy).
instrumented as (

    select
        first_stage.treatment,
        first_stage.column_no || ', ' || second_stage.column_no as column_no,
        first_stage.column_no::integer as position,
        first_stage.table_no,
        first_stage.place,
        first_stage.estimate_text as first_text,
        second_stage.estimate_text as second_text,
        first_stage.t_text as t_text,
        first_stage.t_abs_low,
        first_stage.t_abs_high,
        least(
            first_stage.estimate_low * second_stage.estimate_low,
            first_stage.estimate_low * second_stage.estimate_high,
            first_stage.estimate_high * second_stage.estimate_low,
            first_stage.estimate_high * second_stage.estimate_high
        ) as reduced_low,
        greatest(
            first_stage.estimate_low * second_stage.estimate_low,
            first_stage.estimate_low * second_stage.estimate_high,
            first_stage.estimate_high * second_stage.estimate_low,
            first_stage.estimate_high * second_stage.estimate_high
        ) as reduced_high
    from coefficients as first_stage
    inner join coefficients as second_stage
        on first_stage.table_no = second_stage.table_no and first_stage.treatment = second_stage.treatment
    where first_stage.panel_key = 'first_stage' and second_stage.panel_key = 'second_stage'

),

reduced_forms as (

    select
        table_no,
        place,
        string_agg(column_no, ', ' order by position) as column_no,
        string_agg(format('{}: {} x {}', treatment, first_text, second_text), '; ' order by position) as published,
        string_agg(
            format('{}: {}', treatment, {{ range_text(5, 'reduced_low', 'reduced_high') }}),
            '; ' order by position
        ) as implied,
        max(reduced_low) <= min(reduced_high) + {{ edge() }} as is_one
    from instrumented
    group by table_no, place
    having count(*) > 1

),

shared_instrument as (

    select
        'shared_instrument' as rule,
        table_no,
        null::varchar as panel,
        column_no,
        'instrument' as subject,
        published,
        implied,
        if(is_one, 'consistent', 'inconsistent') as verdict,
        format(
            '{}: first times second stage is the effect of the instrument on the outcome, which one '
            || 'instrument for all policies must leave the same; it is {}, {}.',
            place, implied,
            if(
                is_one,
                'the same within rounding', 'so the columns cannot share the one instrument that the text names'
            )
        ) as sentence
    from reduced_forms

),

-- With one instrument the Cragg-Donald F is the square of the first-stage t, if that t is a conventional one.
first_stage_intervals as (

    select
        instrumented.*,
        diagnostics.cragg_donald_wald_f as f_text,
        diagnostics.cragg_donald_wald_f::double - {{ half('diagnostics.cragg_donald_wald_f') }} as f_low,
        diagnostics.cragg_donald_wald_f::double + {{ half('diagnostics.cragg_donald_wald_f') }} as f_high,
        instrumented.t_abs_low ** 2 <= diagnostics.cragg_donald_wald_f::double
        + {{ half('diagnostics.cragg_donald_wald_f') }}
        and diagnostics.cragg_donald_wald_f::double - {{ half('diagnostics.cragg_donald_wald_f') }}
        <= instrumented.t_abs_high ** 2 as fits
    from instrumented
    inner join diagnostics on instrumented.treatment = diagnostics.treatment

),

first_stage_f as (

    select
        'first_stage_f' as rule,
        table_no,
        'first_stage' as panel,
        split_part(column_no, ', ', 1) as column_no,
        treatment as subject,
        format('Cragg-Donald F {}; first-stage t {}', f_text, t_text) as published,
        't² ' || {{ range_text(1, 't_abs_low ** 2', 't_abs_high ** 2') }} as implied,
        if(fits, 'consistent', 'cannot be decided') as verdict,
        format(
            '{} column {}: with one instrument the Cragg-Donald F is the square of the conventional '
            || 'first-stage t, here {:.1f} to {:.1f}; {} is published{}.',
            place, split_part(column_no, ', ', 1), t_abs_low ** 2, t_abs_high ** 2, f_text,
            if(fits, '', ', which is right only if the t values of this table are robust ones, and it does not say')
        ) as sentence
    from first_stage_intervals

),

final as (

    select * from shared_instrument
    union all
    select * from first_stage_f

)

select * from final
