"""Check a table by its sums, and by what else is known of its cells.

checked = check(table, Sums.AUTO, [parse_formula("D = B * C")])
checked.agreement       # "totals agree in 22 of 24 rows (G = sum B-F); row 3 adds up to 20, not 20.5"

A relation that agrees confirms the readings of its cells, unless other near readings agree, too. One that does not
marks a cell that would repair it, or all of its cells; what a person has checked stays as it is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from tendigits.errors import UserError
from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell
from tendigits.tables.formulas import EXAMPLES, MIN_ADDENDS, Formula, Place, Relation, parse_formula
from tendigits.tables.options import Sums
from tendigits.tables.repairs import OPTIONS as REPAIR_OPTIONS
from tendigits.tables.repairs import agrees, confirmed_places, find_repairs, fitting_values, numbers_of, wanted_number
from tendigits.tables.sums import find_sums
from tendigits.tables.table import Table

AGREED_CONFIDENCE = 0.999  # of the numbers of a sum that agrees; two misread ones rarely compensate

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
    for relation in chain(*relations_of(formulas, table.rows).values()):
        repairs = sorted(find_repairs(relation, cells, ()), reverse=True) if agrees(relation, cells) is False else []
        if repairs:
            (probability, place, text), *others = repairs
            cell, near = cells[place], dict(cells[place].options)
            if (
                not cell.accepted
                and text in near
                and sum(p for p, *_ in others) <= REPAIR_OPTIONS.max_rival * probability
            ):
                options = [(cell.value, cell.confidence), *(each for each in cell.options if each[0] != text)]
                reason = f"looks like {cell.value}; {_would_be(relation, text)}"
                cell = replace(cell, confidence=near[text], reason=reason, options=options)
                cells[place] = replace(cell, value=text, number=to_decimal(text), fits=True)
    return replace(table, rows=[[cells[r, c] for c in range(len(line))] for r, line in enumerate(table.rows)])


def check_formulas(table: Table, formulas: Sequence[Formula]) -> Table:
    """Check a table by these formulas, also again after a person has changed it."""
    if not formulas:
        return table
    cells = {(row, column): cell for row, line in enumerate(table.rows) for column, cell in enumerate(line)}
    relations = relations_of(formulas, table.rows)
    agreements = {formula.text: [agrees(each, cells) for each in of_it] for formula, of_it in relations.items()}
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
        if agrees(each, cells) is False
    ]
    return replace(table, rows=rows, agreement=f"totals agree in {' and '.join(parts)}" if parts else None, wrong=wrong)


def check_relations(cells: Mapping[Place, Cell], relations: Sequence[Relation]) -> Cells:
    """The cells after a check of what connects them."""
    states = [agrees(each, cells) for each in relations]
    agreeing, wrong, open_ones = (
        [each for each, state in zip(relations, states, strict=True) if state is wanted]
        for wanted in (True, False, None)
    )
    confirmed = {place for each in agreeing if each.is_evidence for place in confirmed_places(each, cells)}
    checked = {place: _confirmed(cell) if place in confirmed else cell for place, cell in cells.items()}
    repairs = {id(each): [*find_repairs(each, cells, confirmed)] for each in wrong}
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


def relations_of(formulas: Sequence[Formula], rows: Sequence[Sequence[Cell]]) -> dict[Formula, list[Relation]]:
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
        return [agrees(each, cells) for each in of_span.relations(rows)].count(True)

    return max((formula.with_span(first, last) for first in range(last)), key=n_agreeing, default=formula)


def _says(relation: Relation, cells: Mapping[Place, Cell]) -> str:
    """What is wrong with a relation that does not agree."""
    above, last = cells[relation.places[0]], cells[relation.places[-1]]
    wanted = wanted_number(relation, numbers_of(relation, cells), len(relation.places) - 1)
    text = "another number" if wanted is None else relation.text(wanted, last.value) or f"{float(wanted):g}"
    return relation.says.format(wanted=text, written=last.value, above=above.value)


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
    texts = fitting_values(relation, cells, unread[0]) if len(unread) == 1 else []
    n_read = sum(bool(cells[place].value) for place in relation.places)
    if not texts or texts[-1].startswith("-") or n_read < MIN_ADDENDS:
        return {}
    return {unread[0]: _doubted(cells[unread[0]], f"could not be read; {_would_be(relation, texts[-1])}", texts[-1])}


def _would_be(relation: Relation, text: str) -> str:
    return f"{text} would make this {relation.name.partition(' ')[0]} {'add up' if relation.is_sum else 'agree'}"


def _confirmed(cell: Cell) -> Cell:
    if not cell.fits:
        return cell
    return replace(cell, accepted=True, reason=None, confidence=max(cell.confidence, AGREED_CONFIDENCE))


def _doubted(cell: Cell, reason: str, text: str) -> Cell:
    """A doubtful cell, this text the first of its options."""
    probability = dict(cell.options).get(text, REPAIR_OPTIONS.min_probability)
    options = [(text, probability), *(option for option in cell.options if option[0] != text)]
    return replace(cell, accepted=False, reason=reason, options=options)
