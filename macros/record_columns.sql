{#- The columns of the estimate record, in their order, so that tables of estimates can be put under each other. -#}
{% macro record_columns() -%}
    spec_id, result, paper_table, panel, column_no, estimator, outcome, treatment, term, sample, vcov, estimate,
    std_error, t_stat, p_value, ci_low, ci_high, n_obs, n_cities, n_treated_cities, n_dropped_missing,
    n_dropped_singletons, dropped_terms, r2, r2_within, status, message
{%- endmacro %}
