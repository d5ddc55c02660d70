"""Suggestions for unknown names."""

from rapidfuzz import fuzz, process

from city_policy.reader.knowledge import Knowledge


def suggest(unknown: dict, knowledge: Knowledge) -> list[str]:
    """A line for city_names.csv per unknown name: the nearest official name, to be checked by a person."""
    lines = []
    official = list(knowledge.city_names)
    for (name, year), example in unknown.items():
        nearest = process.extractOne(name, official, scorer=fuzz.ratio, score_cutoff=40) if name else None
        if nearest:
            adcode = knowledge.city_names[nearest[0]]
            lines.append(f"{name},{adcode},ocr_variant,{year},{year},{nearest[0]}? {example.address.replace(',', ';')}")
        else:
            lines.append(f"{name},,ocr_variant,{year},{year},no similar name; {example.address.replace(',', ';')}")
    return lines


def suggested_place(name, year, knowledge):
    return None
