{#- The rows of one result table: every term and variance estimator beside the published coefficient. -#}
{% macro compared_result(result) -%}
with comparison as (

    select * from {{ ref('coefficient_comparison') }}

),

final as (

    select * exclude (result)
    from comparison
    where result = '{{ result }}'
    order by spec_id, vcov, term

)

select * from final
{%- endmacro %}
