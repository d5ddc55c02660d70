{#-
    Numbers as the yearbooks print them. The rules are those of city_policy.reader.text.parse_number, and
    tests/python/test_reader_numbers.py compares the two:
    a sign, digits with or without complete thousands groups, and a decimal point followed by digits, in ASCII or full
    width. Everything else is not a number: notes, two numbers in a cell, incomplete groups. Repairing it would be guessing.
-#}

{#- The text in ASCII digits and signs, without blanks at its ends. -#}
{% macro plain_number(text) -%}
    trim(translate(
        {{ text }},
        '０１２３４５６７８９．，－＋−' || chr(12288) || chr(160) || chr(8203) || chr(65279) || chr(9) || chr(13) || chr(10),
        '0123456789.,-+-       '
    ), ' ')
{%- endmacro %}

{#- The number that a plain text prints, or NULL if it prints none. -#}
{% macro parse_number(plain_text) -%}
    case
        when regexp_full_match({{ plain_text }}, '[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?')
            then try_cast(replace(ltrim({{ plain_text }}, '+'), ',', '') as double)
    end
{%- endmacro %}

{#- Whether a plain text says that nothing was reported. -#}
{% macro is_missing_text(plain_text) -%}
    {{ plain_text }} in (
        '', '-', '--', '---', '—', '——', '–', '―', '…', '……', '...', '......', '#', '##', '*', '/', '无'
    )
{%- endmacro %}
