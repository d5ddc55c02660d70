"""Sentences of the comparison in Chinese; the method is city_policy.report.sentences."""


def model(dbt, session):
    from city_policy.report.sentences import chinese_sentences

    tables = (
        dbt.ref("coefficient_comparison"),
        dbt.ref("paper_sample"),
        dbt.ref("sample_count_check"),
        dbt.ref("published_consistency_audit"),
        dbt.ref("recovery"),
        dbt.ref("replication_notes"),
        dbt.ref("replication_scorecard"),
        dbt.ref("replication_summary"),
    )
    return chinese_sentences(tables, dbt.ref("int_words").df())
