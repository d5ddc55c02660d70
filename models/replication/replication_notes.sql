with topics as (

    select * from {{ ref('soundness_topics') }}

),

sample_counts as (

    select * from {{ ref('sample_count_check') }}

),

evidence as (

    select
        'sample_count_check' as result,
        count(*) filter (verdict = 'different') || ' of ' || count(*) filter (verdict != 'not determined by the lists')
        || ' counts that the lists determine differ from the published.' as evidence
    from sample_counts

),

final as (

    select
        topics.result,
        topics.topic,
        topics.note,
        evidence.evidence,
        topics.what_to_read_instead,
        {% if var('source') == 'demo' -%}
        'simulated demo yearbook' as data_source
        {%- else -%}
        'yearbooks and supplementary sources of this build' as data_source
        {%- endif %}
    from topics
    inner join evidence on topics.result = evidence.result
    order by topics.result

)

select * from final
