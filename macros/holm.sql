{#-
Holm (1979, Scandinavian Journal of Statistics 6): the p values of one family's tests in increasing order times the
tests that remain, never decreasing, at most 1. A query with one row per test that has a p value: the family, spec_id,
holm_p_value and n_tests, the tests of the family.

relation: a common table expression, spec_id once in a family; family, p_value: its columns.
-#}
{% macro holm(relation, family, p_value) -%}
select
    {{ family }},
    spec_id,
    least(1, max((n_tests - position + 1) * {{ p_value }}) over (
        partition by {{ family }} order by position
    )) as holm_p_value,
    n_tests
from (
    select
        {{ family }},
        spec_id,
        {{ p_value }},
        row_number() over (partition by {{ family }} order by {{ p_value }}, spec_id) as position,
        count(*) over (partition by {{ family }}) as n_tests
    from {{ relation }}
    where {{ p_value }} is not null
)
{%- endmacro %}
