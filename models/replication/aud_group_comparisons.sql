with group_pairs as (

    select * from {{ ref('aud_group_pairs') }}

),

se_across_groups as (

    select
        'se_across_groups' as rule,
        table_no,
        panel,
        column_no,
        treatment as subject,
        format(
            '{} {}{} (t {}, N {}); {} {}{} (t {}, N {})',
            larger_sample, larger_estimate_text, larger_stars, larger_t_text, larger_n_obs,
            smaller_sample, smaller_estimate_text, smaller_stars, smaller_t_text, smaller_n_obs
        ) as published,
        format('standard errors {:.5f} and {:.5f}', larger_se, smaller_se)
        || if(
            looks_swapped,
            format(
                '; t values swapped {:.5f} and {:.5f}; estimates and t values swapped {:.5f} and {:.5f}',
                larger_se_swapped_t, smaller_se_swapped_t, smaller_se, larger_se
            ),
            ''
        )
        || coalesce(format('; Table 3 {:.5f}', baseline_se), '') as implied,
        if(looks_swapped, 'suspicious', 'consistent') as verdict,
        if(
            looks_swapped,
            format(
                '{}, {}: {} has {:,} observations and an implied standard error of {:.4f}, {:.1f} times that '
                || 'of {} ({:.4f}) with only {:,}, so the t values look swapped; swapping them gives {:.4f} and '
                || '{:.4f}, swapping them together with the estimates {:.4f} and {:.4f}{}.',
                place, treatment, larger_sample, larger_n_obs, larger_se, larger_se / smaller_se, smaller_sample,
                smaller_se, smaller_n_obs, larger_se_swapped_t, smaller_se_swapped_t, smaller_se, larger_se,
                coalesce(
                    format(
                        ', and the {} fits better with {:.4f} among the {:,} of Table 3',
                        if(whole_cells_are_nearer, 'latter', 'former'), baseline_se, baseline_n_obs
                    ),
                    ''
                )
            ),
            format(
                '{}, {}: the implied standard error is {:.4f} with {:,} observations and {:.4f} with {:,}, a '
                || 'ratio of {:.1f} that needs no slip to explain it.',
                place, treatment, larger_se, larger_n_obs, smaller_se, smaller_n_obs, larger_se / smaller_se
            )
        ) as sentence
    from group_pairs

),

group_difference as (

    select
        'group_difference' as rule,
        table_no,
        panel,
        column_no,
        treatment as subject,
        'P ' || p_text as published,
        'z ' || {{ range_text(2, 'z_low', 'z_high') }} as implied,
        case
            when p_text::double <= 0.05 and z_high < {{ critical_value(2) }} then 'suspicious'
            when p_text::double > 0.05 and z_low > {{ critical_value(2) }} then 'suspicious'
            else 'consistent'
        end as verdict,
        format(
            '{}, {}: the published estimates and t values put the two groups between {:.2f} and {:.2f} '
            || 'standard errors apart, which {} the published P of {} for their difference.',
            place, treatment, z_low, z_high,
            case
                when p_text::double <= 0.05 and z_high < {{ critical_value(2) }}
                    then 'is not significant at 5 % and does not go with'
                when p_text::double > 0.05 and z_low > {{ critical_value(2) }}
                    then 'is significant at 5 % and does not go with'
                else 'does not contradict'
            end,
            p_text
        ) as sentence
    from group_pairs
    where p_text is not null

),

final as (

    select * from se_across_groups
    union all
    select * from group_difference

)

select * from final
