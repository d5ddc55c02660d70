-- One row per indicator, city and year of the frame; a city without a firm or patent has zero.
with frame as (

    select
        adcode,
        cast(year as integer) as year
    from {{ source('inputs', 'input_frame') }}

),

indicators as (

    select * from {{ source('inputs', 'input_indicators') }}

),

firm_flows as (

    select * from {{ ref('int_firm_flows') }}

),

patent_counts as (

    select * from {{ ref('int_patent_counts') }}

),

firm_counts as (

    select
        indicators.indicator,
        frame.adcode,
        frame.year,
        {% if var('firm_count') == 'existing' -%}
        sum(coalesce(firm_flows.change, 0)) over (
            partition by indicators.indicator, frame.adcode
            order by frame.year
            rows between unbounded preceding and current row
        ) as value
        {%- else -%}
        coalesce(firm_flows.change, 0) as value
        {%- endif %}
    from frame
    cross join indicators
    left join firm_flows
        on indicators.indicator = firm_flows.indicator
        and frame.adcode = firm_flows.adcode
        and frame.year = firm_flows.year
    where indicators.extract = 'firms'

),

final as (

    select
        indicator,
        adcode,
        year,
        cast(value as bigint) as value
    from firm_counts
    union all
    select
        indicators.indicator,
        frame.adcode,
        frame.year,
        coalesce(patent_counts.value, 0) as value
    from frame
    cross join indicators
    left join patent_counts
        on indicators.indicator = patent_counts.indicator
        and frame.adcode = patent_counts.adcode
        and frame.year = patent_counts.year
    where indicators.extract = 'patents'

)

select * from final
