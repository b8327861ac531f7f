"""/v1/runs, /v1/recipes and /v1/settings: list, compare, train and resume runs; their curves and reports."""

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from tendigits.data.load import load
from tendigits.errors import RecipeError, UserError, printable
from tendigits.model.recipe_files import ABOUT, RECIPES
from tendigits.model.setting import Setting, settings
from tendigits.report.mcnemar import Verdict, mcnemar_of_runs
from tendigits.report.messages import data_lines
from tendigits.runs.run import Run
from tendigits.runs.summary import Summary, list_summaries, summarise
from tendigits.serve.errors import error_responses
from tendigits.serve.jobs import Job
from tendigits.serve.networks import find_run
from tendigits.serve.routes.bodies import JsonRoute
from tendigits.serve.schemas import Strict
from tendigits.serve.state import State
from tendigits.untrusted import MAX_TEXT_BYTES, read_inside

router = APIRouter(prefix="/v1", tags=["runs"], route_class=JsonRoute)

# report.html contains its style and pictures, and no script.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'"


@dataclass(frozen=True)
class RunResponse(Summary):
    """One run; curves and settings only if it was asked for by name."""

    history: dict[str, list[float]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> "RunResponse":
        """From the run's folder."""
        return cls(**asdict(summarise(run)), history=run.history(), settings=run.recipe().flat())


@dataclass(frozen=True)
class RunsResponse:
    """The runs of the server's folder, oldest first."""

    runs: list[RunResponse]
    damaged: list[str]  # a line for each run that could not be read: its name, and why


@dataclass(frozen=True)
class RecipeResponse:
    """A recipe of the package."""

    name: str
    description: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class SettingsResponse:
    """The settings of every recipe, and the digits that a training uses."""

    data: list[str]
    settings: list[Setting]


class VerdictResponse(BaseModel):
    """Whether the difference of two runs may be luck: McNemar's exact test on the test digits."""

    n: int
    only_first: int
    only_second: int
    p: float
    words: str


class RunRequest(Strict):
    """What to train: a recipe, and the settings in which the run differs from it, by the names of /v1/settings."""

    recipe: str = "classic"
    settings: dict[str, Any] = Field(default_factory=dict)
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None


def _run(state: State, name: Annotated[str, Path(pattern=r"^[^/\\\x00]{1,200}$")]) -> Run:
    return find_run(state.config.runs, name)


KnownRun = Annotated[Run, Depends(_run)]


@router.get("/runs")
def list_runs(state: State) -> RunsResponse:
    """All runs in the server's folder, and which of them can't be read."""
    folder, damaged = state.config.runs, list[UserError]()
    runs = [RunResponse(**asdict(summary)) for summary in list_summaries(folder, damaged.append)]
    # Clients need not know the folder's path.
    return RunsResponse(runs, [printable(str(error).replace(f"{folder}/", "")) for error in damaged])


@router.get("/compare", responses=error_responses(404))
def compare_runs(state: State, run: Annotated[list[str], Query(min_length=1, max_length=8)]) -> list[RunResponse]:
    """Several runs with their curves and settings."""
    return [RunResponse.of(find_run(state.config.runs, name)) for name in run]


@router.get("/verdict", response_model=VerdictResponse, responses=error_responses(404, 409))
def get_verdict(state: State, first: str, second: str) -> Verdict:
    """Whether the difference of two runs may be luck, in words; 409 where it can't be computed."""
    return mcnemar_of_runs(find_run(state.config.runs, first), find_run(state.config.runs, second))


@router.get("/runs/{name}", responses=error_responses(404))
def get_run(run: KnownRun) -> RunResponse:
    """One run with its curves and settings."""
    return RunResponse.of(run)


@router.get("/runs/{name}/report", response_class=HTMLResponse, responses=error_responses(404))
def get_report(run: KnownRun) -> HTMLResponse:
    """The run's report.html."""
    try:
        report = read_inside(run.path, "report.html", MAX_TEXT_BYTES)
    except OSError:  # missing, a link to another file, or too large
        raise HTTPException(404, f"the run {run.path.name} has no report yet") from None
    return HTMLResponse(report, headers={"content-security-policy": REPORT_POLICY, "x-frame-options": "SAMEORIGIN"})


@router.get("/recipes")
def list_recipes() -> list[RecipeResponse]:
    """The package's recipes."""
    return [RecipeResponse(name, ABOUT[name], recipe.flat()) for name, recipe in RECIPES.items()]


@router.get("/settings")
@cache
def list_settings() -> SettingsResponse:
    """Every setting of a recipe with its default, limits and explanation, and the digits that a training uses."""
    return SettingsResponse(list(data_lines(load(None))), list(settings()))


@router.post("/runs", status_code=202, responses=error_responses(404, 409, 503))
async def start_training(state: State, request: RunRequest) -> Job:
    """Train a recipe in the background; /v1/jobs/N/events streams each epoch."""
    if request.recipe not in RECIPES:
        raise HTTPException(404, f"expected a recipe of {', '.join(RECIPES)}, received {request.recipe!r:.60}")
    if request.name is not None and (state.config.runs / request.name).exists():
        raise HTTPException(409, f"there is already a run called {request.name}; choose another name")
    if unknown := request.settings.keys() - {setting.name for setting in settings()}:
        raise RecipeError(f"expected settings that /v1/settings lists, received {min(unknown)!r:.60}")
    recipe = RECIPES[request.recipe].with_settings(request.settings)
    arguments = ["train", "--json", "--runs", str(state.config.runs), "--recipe", request.recipe]
    arguments += [] if request.name is None else ["--name", request.name]
    arguments += [_flag(name, recipe.flat()[name]) for name in request.settings]
    parameters = {"recipe": request.recipe, "run": request.name, "epochs": recipe.epochs}
    return await state.jobs.start("train", arguments, parameters)


def _flag(name: str, value: Any) -> str:
    """A setting as an option of `tendigits train`."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag}={','.join(map(str, value)) if isinstance(value, tuple) else value}"


@router.post("/runs/{name}/resume", status_code=202, responses=error_responses(404, 409, 503))
async def resume_training(state: State, run: KnownRun) -> Job:
    """Resume an interrupted run."""
    recipe = run.recipe()
    parameters = {"recipe": recipe.name, "run": run.path.name, "epochs": recipe.epochs}
    return await state.jobs.start("train", ["train", "--json", "--resume", str(run.path)], parameters)
