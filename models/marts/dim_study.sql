with settings as (

    select * from {{ ref('int_settings') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

keys as (

    select
        max(value) filter (setting = 'id') as study_id,
        max(value) filter (setting = 'title_zh') as title_zh,
        max(value) filter (setting = 'title_en') as title_en,
        max(value) filter (setting = 'citation') as citation
    from settings

),

years as (

    select
        min(year) as first_year,
        max(year) as last_year
    from frame

),

final as (

    select
        keys.study_id,
        keys.title_zh,
        keys.title_en,
        keys.citation,
        years.first_year,
        years.last_year,
        case '{{ var("source") }}'
            when 'demo' then 'simulated demo yearbook'
            when 'panel' then 'panel of the study'
            else 'yearbooks and supplementary sources'
        end as data_source
    from keys
    cross join years

)

select * from final
