{#- The rows of one result table: every term and variance estimator of its regressions. -#}
{% macro result_table(result) -%}
with coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

final as (

    select * exclude (result, column_no)
    from coefficients
    where result = '{{ result }}'
    order by spec_id, vcov, term

)

select * from final
{%- endmacro %}
