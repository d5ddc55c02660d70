{#- Every table of estimates that has a status; tests/python/test_failed_estimates.py holds the list complete. -#}
{% set tables = [
    'est_bacon_comparisons',
    'est_bacon_groups',
    'est_city_influence',
    'est_double_machine_learning',
    'est_event_study',
    'est_event_study_pretrend',
    'est_fixed_effects',
    'est_group_differences',
    'est_instrumental_variable',
    'est_instrumental_variable_diagnostics',
    'est_matching',
    'est_matching_balance',
    'est_mediation_coefficients',
    'est_mediation_effects',
    'est_multiple_hypotheses',
    'est_parallel_trends_sensitivity',
    'est_placebo_test',
    'est_pretrend_power',
    'est_pyfixest',
    'est_residual_autocorrelation',
    'est_robust_inference',
    'est_spatial_inference',
    'est_specification_curve',
    'est_specification_curve_test',
    'est_spillovers',
    'est_staggered'
] %}

-- 'failed' means that a specification names what does not exist, unlike 'not_identified', which is a finding about the
-- data.
with estimates as (

    {% for table in tables %}
        select '{{ table }}' as table_name, spec_id, status, message from {{ ref(table) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    table_name,
    spec_id,
    message
from estimates
where status = 'failed'
