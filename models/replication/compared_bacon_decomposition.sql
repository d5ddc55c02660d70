with published as (

    select * from {{ ref('published_bacon_decomposition') }}

),

bacon_decomposition as (

    select * from {{ ref('bacon_decomposition') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

ours as (

    select
        specifications.paper_table,
        bacon_decomposition.*
    from bacon_decomposition
    inner join specifications on bacon_decomposition.spec_id = specifications.spec_id
    where bacon_decomposition.level = 'group'

),

-- Agreement is a weight within 0.005 and an estimate of the same sign.
unioned as (

    {% for statistic in ['weight', 'estimate'] -%}
    select
        'Bacon {{ statistic }}' as kind,
        published.table_no,
        published.treatment as panel,
        published.comparison as subject,
        published.{{ statistic }}::double as published_value,
        ours.{{ statistic }} as our_value,
        {% if statistic == 'weight' -%}
        abs(our_value - published_value) <= 0.005 as agrees
        {%- else -%}
        sign(our_value) = sign(published_value) as agrees
        {%- endif %}
    from published
    left join ours
        on
            published.table_no = ours.paper_table
            and published.treatment = ours.treatment
            and published.comparison = ours.comparison
    where published.{{ statistic }} is not null
    {{ 'union all' if not loop.last }}

    {% endfor -%}
),

final as (

    select *
    from unioned
    order by kind, panel, subject

)

select * from final
