-- One row per indicator of patents, city and year in which there is a patent of it.
with patents as (

    select * from {{ ref('int_patents') }} where status = 'kept'

),

symbols as (

    select * from {{ ref('int_classified_symbols') }}

),

indicators as (

    select * from {{ source('inputs', 'input_indicators') }} where extract = 'patents'

),

places as (

    select distinct
        application_number,
        place
    from {{ ref('int_patent_places') }}
    where place not in ('ambiguous', 'unknown')

),

patent_symbols as (

    select
        application_number,
        patent_year,
        patent_type,
        {{ each_part('classes') }} as symbol
    from patents

),

matched as (

    select distinct
        indicators.indicator,
        patent_symbols.application_number,
        patent_symbols.patent_year
    from patent_symbols
    inner join symbols on patent_symbols.symbol = symbols.symbol
    inner join indicators on symbols.classification = indicators.classification
    where
        indicators.patent_type is null
        {%- for text, type in var('patent_types', {}).items() %}
        or (indicators.patent_type = '{{ type }}' and patent_symbols.patent_type = '{{ text | replace("'", "''") }}')
        {%- endfor %}

),

final as (

    select
        matched.indicator,
        places.place as adcode,
        matched.patent_year as year,
        count(*) as value
    from matched
    inner join places on matched.application_number = places.application_number
    group by matched.indicator, places.place, matched.patent_year

)

select * from final
