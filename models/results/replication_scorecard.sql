with comparison as (

    select * from {{ ref('coefficient_comparison') }}

),

index_weights as (

    select * from {{ ref('index_weights') }}

),

summary_statistics as (

    select * from {{ ref('summary_statistics') }}

),

sample_counts as (

    select * from {{ ref('sample_count_check') }}

),

bacon_decomposition as (

    select * from {{ ref('bacon_decomposition') }}

),

mediation_effects as (

    select * from {{ ref('mediation_effects') }}

),

instrumental_variable as (

    select * from {{ ref('instrumental_variable') }}

),

group_differences as (

    select * from {{ ref('group_differences') }}

),

published_estimates as (

    select * from {{ ref('published_estimates') }}

),

published_iv_diagnostics as (

    select * from {{ ref('published_iv_diagnostics') }}

),

published_bacon_decomposition as (

    select * from {{ ref('published_bacon_decomposition') }}

),

published_sobel_tests as (

    select * from {{ ref('published_sobel_tests') }}

),

claimed_orderings as (

    select * from {{ ref('claimed_orderings') }}

),

audit as (

    select * from {{ ref('published_consistency_audit') }}

),

-- Printed columns that contradict themselves, one another or another table: they are no yardstick. A slip without a
-- panel is one of all panels.
slips as (

    select distinct
        table_no,
        panel,
        unnest(string_split(column_no, ', '))::bigint as column_no
    from audit
    where is_slip and column_no is not null and rule not like 'sobel%'

),

sobel_slips as (

    select distinct subject
    from audit
    where is_slip and rule like 'sobel%'

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

printed_coefficients as (

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
    from published_estimates

),

coefficients as (

    select
        'coefficient' as kind,
        printed.table_no,
        printed.panel,
        printed.column_no,
        printed.subject,
        printed.published_value,
        ours.estimate as our_value,
        printed.published_std_error,
        sign(printed.published_value) = sign(ours.estimate) as sign_agrees,
        printed.published_significance,
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
        (printed.published_significance in ('1 %', '5 %')) = (ours.p_value_iid < 0.05)
            as significance_at_5_percent_agrees,
        printed.published_n_obs,
        ours.n_obs as our_n_obs,
        printed.published_n_obs = ours.n_obs as n_obs_agrees,
        abs(ours.estimate - printed.published_value) <= 2 * printed.published_std_error as agrees,
        ours.status
    from printed_coefficients as printed
    left join both_estimators as ours
        on
            printed.table_no = ours.paper_table
            and coalesce(printed.panel, '') = ours.panel
            and printed.column_no = ours.column_no
            and printed.term = ours.paper_term

),

our_diagnostics as (

    select
        treatment,
        max(kleibergen_paap_rk_lm_robust) as kleibergen_paap_rk_lm,
        max(cragg_donald_f) as cragg_donald_wald_f
    from instrumental_variable
    where paper_table = '4'
    group by treatment

),

-- One value of ours beside one printed value, with what counts as agreement.
plain_values as (

    select
        'index weight' as kind,
        '1' as table_no,
        dimension as panel,
        indicator as subject,
        published_weight as published_value,
        weight as our_value,
        abs(difference) <= 0.01 as agrees
    from index_weights

    union all

    {% for statistic in ['mean', 'std_dev', 'minimum', 'maximum'] -%}
    select
        'summary statistic' as kind,
        '2' as table_no,
        role as panel,
        variable || ' / {{ statistic }}' as subject,
        published_{{ statistic }} as published_value,
        {{ statistic }} as our_value,
        -- within 2 percent or one unit of the last printed digit
        abs({{ statistic }} - published_{{ statistic }}) <= greatest(0.02 * abs(published_{{ statistic }}), 0.0001) as agrees
    from summary_statistics

    union all

    {% endfor -%}
    select
        'observations' as kind,
        '2' as table_no,
        role as panel,
        variable as subject,
        published_n_obs as published_value,
        n_obs as our_value,
        published_n_obs = n_obs as agrees
    from summary_statistics

    union all

    {% for statistic in ['kleibergen_paap_rk_lm', 'cragg_donald_wald_f'] -%}
    select
        'instrument diagnostic' as kind,
        '4' as table_no,
        null as panel,
        printed.treatment || ' / {{ statistic }}' as subject,
        printed.{{ statistic }}::double as published_value,
        ours.{{ statistic }} as our_value,
        abs(our_value / published_value - 1) <= 0.5 as agrees
    from published_iv_diagnostics as printed
    left join our_diagnostics as ours on printed.treatment = ours.treatment

    union all

    {% endfor -%}
    {% for statistic in ['weight', 'estimate'] -%}
    select
        'Bacon {{ statistic }}' as kind,
        '6' as table_no,
        printed.treatment as panel,
        printed.comparison as subject,
        printed.{{ statistic }}::double as published_value,
        ours.{{ statistic }} as our_value,
        {% if statistic == 'weight' -%}
        abs(our_value - published_value) <= 0.005 as agrees
        {%- else -%}
        sign(our_value) = sign(published_value) as agrees
        {%- endif %}
    from published_bacon_decomposition as printed
    left join bacon_decomposition as ours
        on
            printed.treatment = ours.treatment
            and printed.comparison = ours.comparison
            and ours.level = 'group'
    where printed.{{ statistic }} is not null

    union all

    {% endfor -%}
    select
        'Sobel Z' as kind,
        '8' as table_no,
        printed.mediator as panel,
        printed.treatment as subject,
        printed.sobel_z::double as published_value,
        ours.sobel_z as our_value,
        (abs(our_value) > 1.96) = (abs(published_value) > 1.96) as agrees
    from published_sobel_tests as printed
    left join mediation_effects as ours
        on
            printed.mediator = ours.mediator
            and printed.treatment = ours.treatment
            and ours.vcov = 'iid'

    union all

    select
        'group difference' as kind,
        paper_table as table_no,
        panel,
        treatment as subject,
        published_p_value as published_value,
        permutation_p_value as our_value,
        (permutation_p_value < 0.05) = (published_p_value < 0.05) as agrees
    from group_differences
    where published_p_value is not null

    union all

    select
        'sample count' as kind,
        null as table_no,
        basis as panel,
        count as subject,
        published_value,
        value_in_this_build as our_value,
        published_value = value_in_this_build as agrees
    from sample_counts

),

slip_terms as (

    select distinct
        comparison.spec_id,
        comparison.term
    from comparison
    inner join slips
        on
            comparison.paper_table = slips.table_no
            and comparison.column_no = slips.column_no
            and coalesce(comparison.panel, '') = coalesce(slips.panel, comparison.panel, '')
    where comparison.is_published

),

one_estimate as (

    select
        spec_id,
        term,
        max(paper_table) as paper_table,
        max(estimate) as estimate
    from comparison
    group by spec_id, term

),

-- A claimed ordering is written as the difference larger less smaller, which the paper has positive.
orderings as (

    select
        'claimed ordering' as kind,
        larger.paper_table as table_no,
        null as panel,
        claimed_orderings.claim || ' (' || claimed_orderings.ordering || ')' as subject,
        published_larger.published_estimate - published_smaller.published_estimate as published_value,
        larger.estimate - smaller.estimate as our_value,
        larger.estimate > smaller.estimate as agrees,
        larger_slip.spec_id is not null or smaller_slip.spec_id is not null as rests_on_a_slip
    from claimed_orderings
    left join one_estimate as larger
        on
            claimed_orderings.larger_spec_id = larger.spec_id
            and claimed_orderings.larger_term = larger.term
    left join one_estimate as smaller
        on
            claimed_orderings.smaller_spec_id = smaller.spec_id
            and claimed_orderings.smaller_term = smaller.term
    left join comparison as published_larger
        on
            claimed_orderings.larger_spec_id = published_larger.spec_id
            and claimed_orderings.larger_term = published_larger.term
            and published_larger.vcov = 'iid'
    left join comparison as published_smaller
        on
            claimed_orderings.smaller_spec_id = published_smaller.spec_id
            and claimed_orderings.smaller_term = published_smaller.term
            and published_smaller.vcov = 'iid'
    left join slip_terms as larger_slip
        on
            claimed_orderings.larger_spec_id = larger_slip.spec_id
            and claimed_orderings.larger_term = larger_slip.term
    left join slip_terms as smaller_slip
        on
            claimed_orderings.smaller_spec_id = smaller_slip.spec_id
            and claimed_orderings.smaller_term = smaller_slip.term

),

unioned as (

    select * from coefficients
    union all by name
    select * from plain_values
    union all by name
    select * from orderings

),

flagged as (

    select
        unioned.*,
        exists(
            select 1
            from slips
            where
                unioned.kind = 'coefficient'
                and unioned.table_no = slips.table_no
                and unioned.column_no = slips.column_no
                and coalesce(unioned.panel, '') = coalesce(slips.panel, unioned.panel, '')
        )
        or (unioned.kind = 'Sobel Z' and sobel_slips.subject is not null)
        or coalesce(unioned.rests_on_a_slip, false) as is_slip_of_the_paper
    from unioned
    left join sobel_slips on unioned.panel || '/' || unioned.subject = sobel_slips.subject

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
        is_slip_of_the_paper,
        coalesce(status, if(our_value is null, 'not computed from this input', 'ok')) as status,
        {% if var('source') == 'demo' -%}
        'simulated demo yearbook: agreement checks the pipeline, not the paper' as data_source
        {%- else -%}
        'yearbooks and supplementary sources of this build' as data_source
        {%- endif %}
    from flagged
    order by kind, table_no, panel, column_no, subject

)

select * from final
