-- One row per row of the panel in which nothing is missing.
with panel as (

    select * from {{ source('inputs', 'input_panel') }}

),

final as (

    select *
    from panel
    where
        unit is not null
        and cluster is not null
        and period is not null
        and outcome is not null
        {%- for regressor in var('regressors') %}
        and {{ regressor }} is not null
        {%- endfor %}

)

select * from final
