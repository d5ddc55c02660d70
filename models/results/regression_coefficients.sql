with fixed_effects as (

    select * from {{ ref('est_fixed_effects') }}

),

instrumental_variable as (

    select * from {{ ref('est_instrumental_variable') }}

),

matching as (

    select * from {{ ref('est_matching') }}

),

double_machine_learning as (

    select * from {{ ref('est_double_machine_learning') }}

),

mediation as (

    select * from {{ ref('est_mediation_coefficients') }}

),

unioned as (

    {% for name in [
        'fixed_effects', 'instrumental_variable', 'matching', 'double_machine_learning', 'mediation'
    ] -%}
    select {{ record_columns() }} from {{ name }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select *
    from unioned
    order by spec_id, vcov, term

)

select * from final
