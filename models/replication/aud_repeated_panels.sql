with regressions as (

    select *
    from {{ ref('aud_published_coefficients') }}
    where term = treatment

),

panel_sizes as (

    select
        table_no,
        panel,
        panel_key,
        place,
        count(*) as n_regressions,
        string_agg(column_no, ', ' order by column_no::integer) as column_no,
        string_agg(format('{} (t {})', estimate_text, t_text), ', ' order by column_no::integer) as published
    from regressions
    group by table_no, panel, panel_key, place

),

repetitions as (

    select
        later.table_no,
        later.panel_key,
        earlier.place as earlier_place,
        count(*) as n_repeated,
        max(later.n_obs) filter (later.n_obs != earlier.n_obs) as n_obs,
        max(earlier.n_obs) filter (later.n_obs != earlier.n_obs) as earlier_n_obs,
        bool_or(later.n_obs != earlier.n_obs) as other_sample,
        string_agg(
            format('{} (t {}, R² {})', earlier.estimate_text, earlier.t_text, coalesce(earlier.r2_text, 'none')), ', '
            order by earlier.column_no::integer
        ) as repeated
    from regressions as later
    inner join regressions as earlier
        on
            (later.table_no != earlier.table_no or later.panel_key != earlier.panel_key)
            and (later.table_no::integer, later.panel_key) > (earlier.table_no::integer, earlier.panel_key)
            and later.outcome = earlier.outcome
            and later.treatment = earlier.treatment
            and later.estimate_text = earlier.estimate_text
            and later.t_text = earlier.t_text
            and later.r2_text is not distinct from earlier.r2_text
    group by later.table_no, later.panel_key, earlier.place

),

final as (

    select
        'repeated_panel' as rule,
        panel_sizes.table_no,
        panel_sizes.panel,
        panel_sizes.column_no,
        'all policies' as subject,
        panel_sizes.published,
        coalesce(repetitions.earlier_place || ': ' || repetitions.repeated, 'no other panel with these numbers')
            as implied,
        case
            when repetitions.n_repeated is null then 'consistent'
            when repetitions.other_sample then 'inconsistent'
            else 'suspicious'
        end as verdict,
        case
            when repetitions.n_repeated is null
                then panel_sizes.place || ' repeats no regression of an earlier panel.'
            when repetitions.other_sample
                then format(
                    '{} repeats estimate, t value and R² of {} of its {} regressions from {} to the last '
                    || 'digit, although it has {:,} observations instead of {:,}.',
                    panel_sizes.place, repetitions.n_repeated, panel_sizes.n_regressions, repetitions.earlier_place,
                    repetitions.n_obs, repetitions.earlier_n_obs
                )
            else
                format(
                    '{} repeats estimate, t value and R² of {} of its {} regressions from {} to the last digit.',
                    panel_sizes.place, repetitions.n_repeated, panel_sizes.n_regressions, repetitions.earlier_place
                )
        end as sentence
    from panel_sizes
    left join repetitions
        on panel_sizes.table_no = repetitions.table_no and panel_sizes.panel_key = repetitions.panel_key

)

select * from final
