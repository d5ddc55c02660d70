with scorecard as (

    select * from {{ ref('replication_scorecard') }}

),

final as (

    select
        kind,
        count(*) as n_published,
        count(our_value) as n_computed,
        count(*) filter (is_slip_of_the_paper) as n_slips_left_out,
        avg(sign_agrees::integer) filter (not is_slip_of_the_paper) as share_same_sign,
        avg(significance_at_5_percent_agrees::integer) filter (not is_slip_of_the_paper)
            as share_same_significance_at_5_percent,
        avg(agrees::integer) filter (not is_slip_of_the_paper) as share_agrees,
        case kind
            when 'coefficient' then 'within two published standard errors'
            when 'index weight' then 'within 0.01'
            when 'summary statistic' then 'within 2 percent or one unit of the last published digit'
            when 'instrument diagnostic' then 'within half of the published'
            when 'Bacon weight' then 'within 0.005'
            when 'Bacon estimate' then 'the same sign'
            when 'Sobel Z' then 'the same verdict at 5 percent'
            when 'group difference' then 'the same verdict at 5 percent'
            when 'claimed ordering' then 'the claimed order'
            else 'equal'
        end as agreement_means,
        median(distance_in_published_std_errors) as median_distance_in_published_std_errors,
        any_value(data_source) as data_source
    from scorecard
    group by kind
    order by kind

)

select * from final
