"""/v1/runs and /v1/recipes: the trainings, their curves and reports; a new one, or one that goes on."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from tendigits.errors import RunError
from tendigits.model.recipe import ABOUT, RECIPES
from tendigits.report.run import Run, list_runs, open_run
from tendigits.report.summary import Summary, summarise
from tendigits.serve.schemas import JobAnswer, Strict, failures
from tendigits.serve.state import state_of

router = APIRouter(prefix="/v1", tags=["runs"])

Name = Annotated[str, Path(pattern=r"^[^/\\\x00]{1,200}$")]

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'"
"""report.html brings its own style and pictures, and no script."""


@dataclass(frozen=True)
class RunAnswer(Summary):
    """One training; asked for by its name also with its curves and knobs."""

    history: dict[str, list[float]] = field(default_factory=dict)
    knobs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, whole: bool = True) -> "RunAnswer":
        """From the run's folder."""
        more: dict[str, Any] = {"history": run.history(), "knobs": run.recipe().flat()} if whole else {}
        return cls(**asdict(summarise(run)), **more)


class RecipeAnswer(BaseModel):
    """A recipe of the package."""

    name: str
    about: str
    knobs: dict[str, Any]


class NewRun(Strict):
    """What to train."""

    recipe: str = "classic"
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None


@router.get("/runs")
def list_all(request: Request) -> list[RunAnswer]:
    """All runs in the server's folder, oldest first."""
    return [RunAnswer.of(run, whole=False) for run in list_runs(state_of(request).runs)]


@router.get("/compare", responses=failures(404))
def compare(request: Request, run: Annotated[list[str], Query(min_length=1, max_length=8)]) -> list[RunAnswer]:
    """Some runs with their curves and knobs."""
    return [RunAnswer.of(found) for found in (_run(request, name) for name in run)]


@router.get("/runs/{name}", responses=failures(404))
def show(request: Request, name: Name) -> RunAnswer:
    """One run, with its curves and knobs."""
    return RunAnswer.of(_run(request, name))


@router.get("/runs/{name}/report", response_class=HTMLResponse, responses=failures(404))
def report(request: Request, name: Name) -> HTMLResponse:
    """The run's report.html."""
    path = _run(request, name).path / "report.html"
    if not path.is_file():
        raise HTTPException(404, f"the run {name} has no report yet")
    headers = {"content-security-policy": REPORT_POLICY, "x-frame-options": "SAMEORIGIN"}
    return HTMLResponse(path.read_bytes(), headers=headers)


@router.get("/recipes")
def recipes() -> list[RecipeAnswer]:
    """The recipes of the package, and what each is for."""
    return [RecipeAnswer(name=name, about=ABOUT[name], knobs=recipe.flat()) for name, recipe in RECIPES.items()]


@router.post("/runs", status_code=202, responses=failures(404, 409))
async def train(request: Request, new: NewRun) -> JobAnswer:
    """Train a recipe in the background; /v1/jobs/N/events tells each epoch as it ends."""
    state = state_of(request)
    if new.recipe not in RECIPES:
        raise HTTPException(404, f"expected a recipe of {', '.join(RECIPES)}, received {new.recipe!r:.60}")
    if new.name is not None and (state.runs / new.name).exists():
        raise HTTPException(409, f"there is a run called {new.name}; choose another name")
    arguments = ["train", "--json", "--runs", str(state.runs), "--recipe", new.recipe]
    for flag, value in (("--epochs", new.epochs), ("--seed", new.seed), ("--name", new.name)):
        arguments += [] if value is None else [flag, str(value)]
    epochs = new.epochs or RECIPES[new.recipe].epochs
    job = await state.jobs.start("train", arguments, {"recipe": new.recipe, "run": new.name, "epochs": epochs})
    return JobAnswer(**job.as_dict())


@router.post("/runs/{name}/resume", status_code=202, responses=failures(404, 409))
async def resume(request: Request, name: Name) -> JobAnswer:
    """Go on with a run that was interrupted."""
    run = _run(request, name)
    recipe = run.recipe()
    about = {"recipe": recipe.name, "run": name, "epochs": recipe.epochs}
    job = await state_of(request).jobs.start("train", ["train", "--json", "--resume", str(run.path)], about)
    return JobAnswer(**job.as_dict())


def _run(request: Request, name: str) -> Run:
    """By its folder's name, which is all that a client can say of where it is."""
    runs = state_of(request).runs
    if name not in (path.name for path in (runs.iterdir() if runs.is_dir() else ())):
        raise HTTPException(404, f"expected a run of this server, received {name!r:.60}; /v1/runs lists them")
    try:
        return open_run(runs / name)
    except RunError:
        raise HTTPException(404, f"{name} is no run") from None
