"""Names and words of the seeds and of the study in both languages; the method is city_policy.report.sentences."""


def model(dbt, session):
    from city_policy.report.sentences import words_in_both_languages

    return words_in_both_languages(
        labels=[dbt.ref("general_labels").df(), dbt.ref("labels").df()],
        series=dbt.ref("series").df(),
        indicators=dbt.ref("indicators").df(),
        variables=dbt.ref("stg_variables").df(),
        policies=dbt.ref("stg_policies").df(),
        samples=dbt.ref("stg_samples").df(),
        topics=[dbt.ref("general_topics").df(), dbt.ref("soundness_topics").df()],
        breaks=dbt.ref("series_breaks").df(),
        published=[
            dbt.ref("claimed_orderings").df(),
            dbt.ref("count_explanations").df(),
            dbt.ref("excluded_cities").df(),
        ],
    )
