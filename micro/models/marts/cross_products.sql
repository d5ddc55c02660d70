-- The cross products by cluster of a panel, from which the library takes estimates, clustered errors and resampling.
with panel as (

    select * from {{ ref('stg_panel') }}

),

final as (

    {{ cluster_moments('panel', 'unit', 'cluster', 'cast(period as integer)', 'outcome', var('regressors')) | indent(4) }}

)

select * from final
