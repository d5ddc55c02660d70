"""Tables as Markdown: pipe tables as GitHub, Quarto and pandoc read them."""

import re

from city_policy.report.cells import Cell, Layout, Panel, PaperTable, lines_below, notes_of
from city_policy.report.study import Text
from city_policy.report.typography import digits, parts

# Signs that begin mark-up in Markdown, in HTML or in the formulas of its dialects.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$^@!&])")


def escape(words: str) -> str:
    """Words in which nothing is mark-up: no emphasis, link, HTML, formula or border of a cell."""
    escaped = _SPECIAL.sub(r"\\\1", words)
    # Addresses become links without any mark-up.
    return re.sub(r"(?i)\b(https?|ftp|mailto)(:)|\b(www)(\.)", r"\1\3\\\2\4", escaped)


def _paragraph(words: str) -> str:
    """Words on a line of their own, which begin no list, rule or heading."""
    begun = re.sub(r"^(\s*)([-+=:])", r"\1\\\2", _text(words))
    return re.sub(r"^(\s*\d+)([.)])", r"\1\\\2", begun)


def _text(words: str) -> str:
    return "".join(f"*{part}*" if is_italic else escape(part) for part, is_italic in parts(words))


def _cell(cell: Cell, language: str, layout: Layout) -> str:
    if cell.words is not None:
        return _text(cell.words[language])
    return escape(digits(cell.number) + cell.marked(layout))


def _panel(panel: Panel, language: str, layout: Layout) -> list[list[str]]:
    """The cells of a panel line by line, its headings first."""
    lines = []
    for place, heading in enumerate(panel.headings):
        label = panel.label_heading[language] if place == len(panel.headings) - 1 else ""
        # A pipe table has no cells over several columns: the words stand in the first.
        words = [one for text, span in heading for one in [_text(text[language]), *[""] * (span - 1)]]
        lines.append([_text(label), *words])
    for row in panel.rows:
        if row.is_heading:
            label = _text(row.label[language])
            lines.append([label, *[""] * panel.n_columns])
            continue
        lines.append([_text(row.label[language]), *(_cell(cell, language, layout) for cell in row.cells)])
        for line in lines_below(row, layout):
            lines.append(["", *(escape(digits(cell.below(line))) for cell in row.cells)])
    return lines


def markdown_table(table: PaperTable, language: str) -> str:
    """A table with its title and its notes."""
    lines = [f"**{_text(table.heading[language])}**", ""]
    for panel in table.panels:
        if panel.title:
            lines += [_paragraph(panel.title[language]), ""]
        first, *others = _panel(panel, language, table.layout)
        border = [":--", *[":-:"] * panel.n_columns]
        lines += [f"| {' | '.join(cells)} |" for cells in (first, border, *others)]
        lines.append("")
    notes = Text("", " ")[language].join(_text(note[language]) for note in notes_of(table))
    return "\n".join([*lines, Text("注:", "Notes: ")[language] + notes]) + "\n"
