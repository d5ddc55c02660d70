-- One row per row of the extract of patents, with what became of it but for its place. Of the rows of one application that row
-- stays which has the year that counts; of those the one recorded last; of those the first by year, addresses and classes.
with patents as (

    select * from {{ ref('stg_patents') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by application_number
            order by
                case when patent_year is null then 1 else 0 end,
                coalesce(recorded_day, 0) desc,
                patent_year,
                coalesce(patent_type, ''),
                coalesce(province, ''),
                coalesce(city, ''),
                coalesce(addresses, ''),
                coalesce(classes, '')
        ) as position
    from patents
    where application_number is not null
    union all
    select
        *,
        1 as position
    from patents
    where application_number is null

),

final as (

    select
        application_number,
        patent_year,
        patent_type,
        province,
        city,
        addresses,
        {% if var('classes') == 'first' -%}
        {{ dbt.split_part('classes', "';'", 1) }} as classes,
        {%- else -%}
        classes,
        {%- endif %}
        case
            when application_number is null then 'dropped: no application number'
            when position > 1 then 'duplicate'
            when patent_year is null then 'dropped: no {{ var('patent_year') }} date'
            when patent_year < {{ var('first_year') }} then 'dropped: before the first year'
            when patent_year > {{ var('last_year') }} then 'dropped: after the last year'
            {%- if var('patent_types', {}) %}
            when patent_type is null or patent_type not in ({% for text in var('patent_types') %}'{{ text | replace("'", "''") }}'{{ '' if loop.last else ', ' }}{% endfor %})
                then 'dropped: unknown type of patent'
            {%- endif %}
            else 'kept'
        end as status
    from ranked

)

select * from final
