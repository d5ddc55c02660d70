with comparison as (

    select * from {{ ref('coefficient_comparison') }}

),

published as (

    select * from {{ ref('published_estimates') }}

),

slips as (

    select * from {{ ref('published_slips') }}

),

both_estimators as (

    select
        paper_table,
        coalesce(panel, '') as panel,
        column_no,
        paper_term,
        max(estimate) as estimate,
        max(p_value) filter (vcov = 'iid') as p_value_iid,
        max(p_value) filter (vcov = 'CRV1') as p_value_clustered,
        max(n_obs) as n_obs,
        max(status) as status
    from comparison
    where is_published
    group by paper_table, coalesce(panel, ''), column_no, paper_term

),

published_coefficients as (

    select
        table_no,
        panel,
        column_no::bigint as column_no,
        concat_ws(' / ', outcome, treatment, term, sample) as subject,
        term,
        estimate::double as published_value,
        abs(estimate::double / nullif(t_stat::double, 0)) as published_std_error,
        case coalesce(stars, '') when '***' then '1 %' when '**' then '5 %' when '*' then '10 %' else 'none' end
            as published_significance,
        n_obs::integer as published_n_obs
    from published

),

compared as (

    select
        'coefficient' as kind,
        published.table_no,
        published.panel,
        published.column_no,
        published.subject,
        published.published_value,
        ours.estimate as our_value,
        published.published_std_error,
        sign(published.published_value) = sign(ours.estimate) as sign_agrees,
        published.published_significance,
        case
            when ours.p_value_iid < 0.01 then '1 %'
            when ours.p_value_iid < 0.05 then '5 %'
            when ours.p_value_iid < 0.1 then '10 %'
            when ours.p_value_iid is not null then 'none'
        end as our_significance_iid,
        case
            when ours.p_value_clustered < 0.01 then '1 %'
            when ours.p_value_clustered < 0.05 then '5 %'
            when ours.p_value_clustered < 0.1 then '10 %'
            when ours.p_value_clustered is not null then 'none'
        end as our_significance_clustered,
        (published.published_significance in ('1 %', '5 %')) = (ours.p_value_iid < 0.05)
            as significance_at_5_percent_agrees,
        published.published_n_obs,
        ours.n_obs as our_n_obs,
        published.published_n_obs = ours.n_obs as n_obs_agrees,
        abs(ours.estimate - published.published_value) <= 2 * published.published_std_error as agrees,
        ours.status
    from published_coefficients as published
    left join both_estimators as ours
        on
            published.table_no = ours.paper_table
            and coalesce(published.panel, '') = ours.panel
            and published.column_no = ours.column_no
            and published.term = ours.paper_term

),

-- A slip without a panel is one of all panels.
final as (

    select
        compared.*,
        exists(
            select 1
            from slips
            where
                compared.table_no = slips.table_no
                and compared.column_no = slips.column_no
                and coalesce(compared.panel, '') = coalesce(slips.panel, compared.panel, '')
        ) as is_slip_of_the_paper
    from compared
    order by table_no, panel, column_no, subject

)

select * from final
