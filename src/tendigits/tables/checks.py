"""Check a table by its sums, and by what else is known of its cells.

checked = check(table, Sums.AUTO, [parse_formula("D = B * C")])
checked.agreement       # "totals agree in 22 of 24 rows (G = sum B-F); row 3 adds up to 20, not 20.5"

A relation that agrees confirms the readings of its cells, unless other near readings agree, too. One that does not
marks a cell that would repair it, or all of its cells; what a person has checked stays as it is.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, combinations

from tendigits.errors import UserError
from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell, cell_name
from tendigits.tables.formulas import (
    EXAMPLES,
    MIN_ADDENDS,
    Formula,
    Place,
    Relation,
    parse_formula,
)
from tendigits.tables.options import Sums
from tendigits.tables.sums import find_sums
from tendigits.tables.table import Table


@dataclass(frozen=True)
class CheckOptions:
    """How probable other readings are; chosen on generated tables."""

    agreed_confidence: float = 0.999  # of the numbers of a sum that agrees; two misread ones rarely compensate
    max_rival: float = 0.01  # how probable other readings that agree may be, relative to those that were read
    max_changes: int = 60  # other readings of a relation that are tried in pairs, if it is no sum
    min_probability: float = 1e-4  # of another digit, or of a lost one, to which the reader gave none
    lost_point: float = 0.02  # of a number without its decimal point
    empty: float = 1e-3  # of a number that was not seen at all
    agreeing_elsewhere: float = 1e-3  # factor for a repair of a cell whose other sum agrees


OPTIONS = CheckOptions()

Cells = dict[Place, Cell]


def parse_sums(sums: str) -> Sums:
    """Where sums stand, by its name. Raises UserError."""
    if sums not in list(Sums):
        raise UserError(f"expected {', '.join(Sums)} for sums, received {sums!r}")
    return Sums(sums)


def parse_formulas(texts: Iterable[str]) -> list[Formula]:
    """The formulas of a table, of which none is unknown. Raises UserError."""
    formulas = [(text, parse_formula(text)) for text in texts]
    if unknown := [text for text, formula in formulas if formula is None]:
        raise UserError(f"expected a formula such as {EXAMPLES}, received '{unknown[0]}'")
    return [formula for _, formula in formulas if formula is not None]


def check(table: Table, sums: Sums = Sums.AUTO, formulas: Iterable[Formula] = ()) -> Table:
    """Find the sums of a table as it was read, and check it by them and by other formulas."""
    known = [_resolved(each, table.rows) for each in formulas if each.relations(table.rows)]
    table = _decided(table, known) if known else table
    targets = {each.target.name for each in known}
    found = [each for each in find_sums(table.rows, sums) if each.target.name not in targets]
    table = _decided(table, found) if found else table
    found += known
    return check_formulas(replace(table, formulas=[each.text for each in found]), found) if found else table


def _decided(table: Table, formulas: Sequence[Formula]) -> Table:
    """The table with another near reading in a doubtful cell if a formula agrees with this one alone."""
    cells = {(row, column): cell for row, line in enumerate(table.rows) for column, cell in enumerate(line)}
    for relation in chain(*_relations(formulas, table.rows).values()):
        repairs = sorted(_repairs(relation, cells, ()), reverse=True) if _agrees(relation, cells) is False else []
        if repairs:
            (probability, place, text), *others = repairs
            cell, near = cells[place], dict(cells[place].options)
            if not cell.accepted and text in near and sum(p for p, *_ in others) <= OPTIONS.max_rival * probability:
                options = [(cell.value, cell.confidence), *(each for each in cell.options if each[0] != text)]
                reason = f"looks like {cell.value}; {_would_be(relation, text)}"
                cell = replace(cell, confidence=near[text], reason=reason, options=options)
                cells[place] = replace(cell, value=text, number=to_decimal(text))
    return replace(table, rows=[[cells[r, c] for c in range(len(line))] for r, line in enumerate(table.rows)])


def check_formulas(table: Table, formulas: Sequence[Formula]) -> Table:
    """Check a table by these formulas, also again after a person has changed it."""
    if not formulas:
        return table
    cells = {(row, column): cell for row, line in enumerate(table.rows) for column, cell in enumerate(line)}
    relations = _relations(formulas, table.rows)
    agreements = {formula.text: [_agrees(each, cells) for each in of_it] for formula, of_it in relations.items()}
    checked = check_relations(cells, [each for of_it in relations.values() for each in of_it])
    rows = [[checked[row, column] for column in range(len(line))] for row, line in enumerate(table.rows)]
    parts = [
        f"{results.count(True)} of {len(results) - results.count(None)} {'columns' if formula.is_of_rows else 'rows'}"
        f" ({formula.text})"
        for formula, results in zip(relations, agreements.values(), strict=True)
        if len(results) > results.count(None)
    ]
    wrong = [
        f"{each.name} {_says(each, cells)}".replace(" this row", "").replace(" this column", "")
        for of_it in relations.values()
        for each in of_it
        if _agrees(each, cells) is False
    ]
    return replace(table, rows=rows, agreement=f"totals agree in {' and '.join(parts)}" if parts else None, wrong=wrong)


def check_relations(cells: Mapping[Place, Cell], relations: Sequence[Relation]) -> Cells:
    """The cells after a check of what connects them."""
    states = [_agrees(each, cells) for each in relations]
    agreeing, wrong, open_ones = (
        [each for each, state in zip(relations, states, strict=True) if state is wanted]
        for wanted in (True, False, None)
    )
    confirmed = {place for each in agreeing if each.is_evidence for place in _confirmed_places(each, cells)}
    checked = {place: _confirmed(cell) if place in confirmed else cell for place, cell in cells.items()}
    repairs = {id(each): [*_repairs(each, cells, confirmed)] for each in wrong}
    crossings = _crossings(wrong, repairs)
    explained = [each for each in wrong if any(place in crossings for place in each.places)]
    confirmed |= {place for each in explained for place in each.places if place not in crossings}
    for place, text in crossings.items():
        reason = f"its row and its column add up with {text}, not with {cells[place].value}"
        if not all(each.is_sum for each in wrong if place in each.places):
            reason = f"{text} would agree with the other cells, not {cells[place].value}"
        checked[place] = _doubted(cells[place], reason, text)
    for relation in wrong:
        if relation not in explained:
            checked |= _marked(relation, cells, checked, repairs[id(relation)], confirmed)
    for relation in open_ones:
        checked |= _with_missing(relation, checked)
    return checked


def suggest(table: Table, formulas: Sequence[Formula], n: int) -> dict[str, list[tuple[str, str]]]:
    """At most n other values for each doubtful cell, by the cell's name.

    Each comes with what it makes right: "row and column", "row", "column", a formula, or "". Those that make more right
    come first, then the more probable ones.
    """
    cells = {(row, column): cell for row, line in enumerate(table.rows) for column, cell in enumerate(line)}
    wanted: defaultdict[Place, list[tuple[str, str]]] = defaultdict(list)
    for formula, relations in _relations(formulas, table.rows).items():
        name = ("column" if formula.is_of_rows else "row") if formula.total == "sum" or formula.is_sum else formula.text
        for relation in relations:
            for place in relation.places:
                if not cells[place].accepted:
                    wanted[place] += [(name, text) for text in _fitting(relation, cells, place)]
    return {
        cell_name(*place): _suggestions(cell, wanted[place])[:n] for place, cell in cells.items() if not cell.accepted
    }


def _suggestions(cell: Cell, wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Other values of a cell, and what they make right: the reader's, and those that all sums want."""
    texts: dict[str, str] = {}  # without those that are the same number, such as 2 and 02
    for text in [*(text for text, _ in cell.options), *(text for _, text in wanted)]:
        if text != cell.value:
            texts.setdefault(_same(text), text)
    agreeing = {
        text: [*dict.fromkeys(name for name, each in wanted if _same(each) == same)] for same, text in texts.items()
    }
    read, n_wanted = {text for text, _ in cell.options}, len({name for name, _ in wanted})
    likely = [
        (text, names)
        for text, names in agreeing.items()
        if text in read or (len(names) == n_wanted and _near(cell, text) is not None and not text.startswith("-"))
    ]
    return [(text, " and ".join(names)) for text, names in sorted(likely, key=lambda each: -len(each[1]))]


def _same(text: str) -> str:
    """What the texts of one number have in common."""
    number = re.sub(r"^0+(?=\d)", "", text.replace(",", "."))
    return number.rstrip("0").rstrip(".") if "." in number else number


def _relations(formulas: Sequence[Formula], rows: Sequence[Sequence[Cell]]) -> dict[Formula, list[Relation]]:
    """The relations of formulas; rows of totals are no rows of their products and balances."""
    totals = {each.places[-1][0] for formula in formulas if formula.is_of_rows for each in formula.relations(rows)}
    return {
        formula: [
            each
            for each in formula.relations(rows)
            if formula.is_of_rows or formula.is_sum or each.places[-1][0] not in totals
        ]
        for formula in formulas
    }


def _resolved(formula: Formula, rows: Sequence[Sequence[Cell]]) -> Formula:
    """A sum or mean without a span, with the one for which most results agree."""
    if formula.total is None or formula.span is not None:
        return formula
    cells = {(row, column): cell for row, line in enumerate(rows) for column, cell in enumerate(line)}
    last = formula.relations(rows)[0].places[-2][0 if formula.is_of_rows else 1]

    def n_agreeing(of_span: Formula) -> int:
        return [_agrees(each, cells) for each in of_span.relations(rows)].count(True)

    return max((formula.with_span(first, last) for first in range(last)), key=n_agreeing, default=formula)


def _numbers(relation: Relation, cells: Mapping[Place, Cell]) -> list[Fraction | None]:
    return [relation.number(cells[place], cells[place].value) for place in relation.places]


def _agrees(relation: Relation, cells: Mapping[Place, Cell]) -> bool | None:
    """Whether a relation holds; None if a number is missing."""
    numbers = _numbers(relation, cells)
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers) or not cells[relation.places[-1]].value:
        return None
    filled = sum(bool(cells[place].value) for place in relation.places[:-1])
    if filled < (MIN_ADDENDS if relation.is_sum else len(known) - 1) or (relation.is_sum and not known[-1]):
        return None
    return relation.gap(known) == 0


def _wanted(relation: Relation, numbers: Sequence[Fraction | None], index: int) -> Fraction | None:
    """The number at this index that makes a relation agree, which is linear in each; None if that is unknown."""
    if not relation.is_evidence or any(number is None for i, number in enumerate(numbers) if i != index):
        return None
    at = [relation.gap([n if i != index and n is not None else x for i, n in enumerate(numbers)]) for x in _PROBES]
    if at[1] == at[0]:
        return None
    wanted = _PROBES[0] - at[0] * (_PROBES[1] - _PROBES[0]) / (at[1] - at[0])
    agrees = relation.gap([n if i != index and n is not None else wanted for i, n in enumerate(numbers)]) == 0
    return wanted if agrees else None


_PROBES = (Fraction(10**9 + 7, 11), Fraction(2 * 10**9 + 9, 13))  # far from any rounding


def _fitting(relation: Relation, cells: Mapping[Place, Cell], place: Place) -> list[str]:
    """Values of a cell that make a relation agree: those of the reader, and what is left to add."""
    index, cell, numbers = relation.places.index(place), cells[place], _numbers(relation, cells)
    others = [number for i, number in enumerate(numbers) if i != index and number is not None]
    if len(others) < len(numbers) - 1:
        return []
    fitting = [
        text
        for text, _ in cell.options
        if text not in ("", cell.value)
        and (number := relation.number(cell, text)) is not None
        and relation.gap([*others[:index], number, *others[index:]]) == 0
    ]
    wanted = _wanted(relation, numbers, index)
    like = cell.value or next((cells[each].value for each in relation.places if cells[each].value), "")
    missing = None if wanted is None else relation.text(wanted, like)
    number = None if missing is None else relation.number(replace(cell, value=""), missing)
    if missing is not None and number is not None and number not in [relation.number(cell, each) for each in fitting]:
        fitting += [missing] * (relation.gap([*others[:index], number, *others[index:]]) == 0)
    return fitting


def _says(relation: Relation, cells: Mapping[Place, Cell]) -> str:
    """What is wrong with a relation that does not agree."""
    above, last = cells[relation.places[0]], cells[relation.places[-1]]
    wanted = _wanted(relation, _numbers(relation, cells), len(relation.places) - 1)
    text = "another number" if wanted is None else relation.text(wanted, last.value) or f"{float(wanted):g}"
    return relation.says.format(wanted=text, written=last.value, above=above.value)


def _confirmed_places(relation: Relation, cells: Mapping[Place, Cell]) -> Iterator[Place]:
    """The places of a relation that agrees at which no other near reading agrees as well."""
    numbers = [each for each in _numbers(relation, cells) if each is not None]
    changes = [
        (i, number, probability / max(cells[place].confidence, OPTIONS.min_probability))
        for i, place in enumerate(relation.places)
        if not cells[place].checked
        for text, probability in cells[place].options
        if (number := relation.number(cells[place], text)) is not None and number != numbers[i]
    ]
    rivals = _rivals_of_sum(relation, numbers, changes) if relation.is_sum else _rivals(relation, numbers, changes)
    total = sum(rivals.values()) / 2
    for i, place in enumerate(relation.places):
        if cells[place].value and rivals[i] <= OPTIONS.max_rival * (1 + total):
            yield place


Change = tuple[int, Fraction, float]


def _rivals_of_sum(relation: Relation, numbers: Sequence[Fraction], changes: Sequence[Change]) -> dict[int, float]:
    """How probable two other numbers are that agree as well, at each of their places, relative to what was read."""
    rivals: dict[int, float] = defaultdict(float)
    by_effect: defaultdict[Fraction, list[tuple[int, float]]] = defaultdict(list)
    for i, number, probability in changes:
        effect = number - numbers[i] if i == len(numbers) - 1 else numbers[i] - number
        for j, other in by_effect[-effect]:
            if i != j:
                rivals[i] += probability * other
                rivals[j] += probability * other
        by_effect[effect].append((i, probability))
    return rivals


def _rivals(relation: Relation, numbers: Sequence[Fraction], changes: Sequence[Change]) -> dict[int, float]:
    """The same for a relation that is no sum, in which one other number may agree as well."""
    rivals: dict[int, float] = defaultdict(float)
    probable = sorted(changes, key=lambda each: -each[2])[: OPTIONS.max_changes]
    for group in [*((each,) for each in probable), *combinations(probable, 2)]:
        changed, weight = [*numbers], 1.0
        for i, number, probability in group:
            changed[i], weight = number, weight * probability
        if len({i for i, _, _ in group}) == len(group) and relation.gap(changed) == 0:
            for i, _, _ in group:
                rivals[i] += weight * (3 - len(group))
    return rivals


def _repairs(
    relation: Relation, cells: Mapping[Place, Cell], confirmed: Iterable[Place]
) -> Iterator[tuple[float, Place, str]]:
    """Values of one cell that make a relation agree: probability relative to what was read, place, value."""
    elsewhere = {*confirmed}
    for place in relation.places:
        cell = cells[place]
        if cell.checked or cell.is_word:
            continue
        factor = OPTIONS.agreeing_elsewhere if place in elsewhere else 1.0
        for text in _fitting(relation, cells, place):
            probability = None if text.startswith("-") else _near(cell, text)
            if probability is not None:
                yield factor * probability / max(cell.confidence, OPTIONS.min_probability), place, text


def _near(cell: Cell, text: str) -> float | None:
    """How probable it is that this text stands in a cell, by what was read; None if it is another one altogether."""
    value, read = cell.value, dict(cell.options)
    if text in read:
        return max(read[text], OPTIONS.min_probability)
    if not value:
        return OPTIONS.empty if text.strip("0.,") else None
    if _digits(value) == _digits(text):
        return OPTIONS.lost_point
    if len(text) == len(value):
        is_near = sum(a != b for a, b in zip(value, text, strict=True)) == 1
    elif len(text) > len(value):
        is_near = value in (text[1:], text[:-1])
    else:
        is_near = any(value[:i] + value[i + 1 :] == text for i in range(len(value)))
    return OPTIONS.min_probability if is_near else None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _crossings(wrong: Sequence[Relation], repairs: Mapping[int, list[tuple[float, Place, str]]]) -> dict[Place, str]:
    """Cells where wrong rows and wrong columns cross, with the value that makes both right.

    A cell is missing if another one in its row or column has such a value, too: then it is unclear which one is wrong.
    """
    relations_of: defaultdict[tuple[Place, str], list[Relation]] = defaultdict(list)
    for relation in wrong:
        for _, place, text in repairs[id(relation)]:
            relations_of[place, text].append(relation)
    crossing = {key: found for key, found in relations_of.items() if len(found) > 1}
    uses = Counter(id(relation) for found in crossing.values() for relation in found)
    return {
        place: text for (place, text), found in crossing.items() if all(uses[id(relation)] == 1 for relation in found)
    }


def _marked(
    relation: Relation,
    cells: Mapping[Place, Cell],
    checked: Mapping[Place, Cell],
    repairs: Sequence[tuple[float, Place, str]],
    confirmed: Iterable[Place],
) -> Cells:
    """The cells of a relation that does not agree: the one that most probably repairs it is marked, or else all are."""
    reason, agreeing = _says(relation, cells), {*confirmed}
    is_checked = any(cells[place].checked for place in relation.places)
    likely = [each for each in repairs if not (is_checked and each[1] in agreeing)]
    if likely:
        _, place, text = max(likely, key=lambda each: each[0])
        value = cells[place].value
        why = f"{reason}; {value} may be {text}" if value else _would_be(relation, text)
        return {place: _doubted(cells[place], why, text)}
    filled = [place for place in relation.places if cells[place].value and not cells[place].checked]
    places = [place for place in filled if place not in agreeing] or ([] if is_checked else filled)
    marked = {place: replace(checked[place], accepted=False, reason=reason) for place in places}
    if not places:  # a person has checked all that may be wrong: it does not add up on the paper
        last = relation.places[-1]
        marked[last] = replace(checked[last], reason=reason)
    return marked


def _with_missing(relation: Relation, cells: Mapping[Place, Cell]) -> Cells:
    """If exactly one number could not be read, its reason names what would make the relation agree."""
    unread = [place for place in relation.places if cells[place].is_unread]
    texts = _fitting(relation, cells, unread[0]) if len(unread) == 1 else []
    n_read = sum(bool(cells[place].value) for place in relation.places)
    if not texts or texts[-1].startswith("-") or n_read < MIN_ADDENDS:
        return {}
    return {unread[0]: _doubted(cells[unread[0]], f"could not be read; {_would_be(relation, texts[-1])}", texts[-1])}


def _would_be(relation: Relation, text: str) -> str:
    return f"{text} would make this {relation.name.partition(' ')[0]} {'add up' if relation.is_sum else 'agree'}"


def _confirmed(cell: Cell) -> Cell:
    if not cell.confidence:
        return cell  # it is not what a person expects there
    return replace(cell, accepted=True, reason=None, confidence=max(cell.confidence, OPTIONS.agreed_confidence))


def _doubted(cell: Cell, reason: str, text: str) -> Cell:
    """A doubtful cell, this text the first of its options."""
    probability = dict(cell.options).get(text, OPTIONS.min_probability)
    options = [(text, probability), *(option for option in cell.options if option[0] != text)]
    return replace(cell, accepted=False, reason=reason, options=options)
