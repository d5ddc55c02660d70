-- Which cities are outside the sample, why, and whether the reconstruction of the paper's sample leaves them out too.
with cities as (

    select * from {{ ref('dim_city') }}

),

paper_sample as (

    select * from {{ ref('paper_sample') }}

),

final as (

    select
        cities.adcode,
        cities.city_name_zh,
        cities.region,
        cities.exclusion_reason,
        paper_sample.in_paper_sample,
        paper_sample.exclusion_status
    from cities
    inner join paper_sample on cities.adcode = paper_sample.adcode
    where not cities.in_sample
    order by cities.adcode

)

select * from final
