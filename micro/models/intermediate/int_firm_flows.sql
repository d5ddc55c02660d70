-- One row per indicator of firms, city and year: how many firms come and go.
with firms as (

    select * from {{ ref('int_firms') }} where status = 'placed'

),

industries as (

    select * from {{ ref('int_classified_industries') }}

),

indicators as (

    select * from {{ source('inputs', 'input_indicators') }} where extract = 'firms'

),

{%- if var('keywords', false) %}

keywords as (

    select * from {{ ref('stg_classification_codes') }} where scheme = 'keyword'

),
{%- endif %}

classified as (

    select
        industries.classification,
        firms.adcode,
        firms.founded_year,
        firms.closed_year
    from firms
    inner join industries on firms.industry = industries.industry
    {%- if var('keywords', false) %}
    union all
    select
        matched.classification,
        matched.adcode,
        matched.founded_year,
        matched.closed_year
    from (
        select distinct
            firms.credit_code,
            keywords.classification,
            firms.adcode,
            firms.founded_year,
            firms.closed_year
        from firms
        inner join keywords on instr(firms.business_scope, keywords.first_key) > 0
    ) as matched
    {%- endif %}

),

flows as (

    select
        classification,
        adcode,
        {% if var('firm_count') == 'existing' -%}
        greatest(founded_year, {{ var('first_year') }}) as year,
        1 as change
    from classified
    union all
    select
        classification,
        adcode,
        closed_year as year,
        -1 as change
    from classified
    where closed_year <= {{ var('last_year') }}
        {%- else -%}
        founded_year as year,
        1 as change
    from classified
        {%- endif %}

),

final as (

    select
        indicators.indicator,
        flows.adcode,
        flows.year,
        cast(sum(flows.change) as bigint) as change
    from flows
    inner join indicators on flows.classification = indicators.classification
    group by indicators.indicator, flows.adcode, flows.year

)

select * from final
