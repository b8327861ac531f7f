"""A host that trains along: what to train, and from where on, the first host says.

n = follow(team, data=None, screen=TextScreen())       # until that one dismisses it
"""

from pathlib import Path

from tendigits.data.load import load
from tendigits.model.network import build_network, compile_network
from tendigits.train.callbacks import fit_recipe
from tendigits.train.console import Screen
from tendigits.train.hosts import Team
from tendigits.train.trainer import prepare_input, steps_of


def follow(team: Team, data: str | Path | None, *, screen: Screen) -> int:
    """Train what the first host says until it says no more; nothing is kept here.

    Returns:
        How many trainings it were.

    Raises:
        DataError: these are not the digits that the first host has.
        HostError: another host is gone.
        TendigitsError: as `fit_recipe`.
    """
    dataset = load(data)
    trained = 0
    while (heard := team.hear()) is not None:
        recipe, digests, checkpoint = heard
        team.agree(are_same=dataset.digests == digests)
        ready = prepare_input(dataset, recipe)
        model = compile_network(build_network(recipe), recipe, steps_of(recipe, len(ready.x)))
        screen.line(f"host {team.host} of {team.hosts} trains along: {recipe.name}")
        with screen.epochs(recipe.epochs, f"host {team.host}") as shown:
            fit_recipe(
                model, ready.x, ready.y, ready.validation, recipe, lambda _: None, checkpoint, (shown,),
                team.distribution,
            )  # fmt: skip
        trained += 1
    return trained
