"""The playground's files: a network learns in the page itself, on the server's page and in an exported folder alike.

scripts()["digits.js"]()          # a script that the page loads, by its name
write_playground(Path("play"))    # a folder with the page, to be opened as a file or put on any web server

A page that is opened as a file can load neither modules nor data, so data are in scripts: the worker and the compiled
kernel in packed.js, MNIST's digits in digits.js and more_digits.js, the network of a run in network.js.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from string import Template

import numpy as np

from tendigits.data.dataset import Pixels
from tendigits.data.mnist import load_data
from tendigits.errors import UserError
from tendigits.files import make_folder, write_text
from tendigits.runs.run import Run, model_digest
from tendigits.web.pages import WEB, as_module, documents, fragment, head, join_modules, text_of

N_TRAIN, N_TEST = 10_000, 2_000  # digits in the first script; the rest is loaded when somebody wants more
GZIP_LEVEL = 6  # 9 takes four times as long for one percent

FILES = (
    "index.html", "style.css", "icon.svg", "try.html", "lesson.html", "try.css", "tendigits.js", "digits.js",
    "more_digits.js", "network.js", "manifest.json", "service-worker.js",
)  # fmt: skip

ACTIVATIONS, OPTIMIZERS = ("relu", "tanh", "sigmoid"), ("adam", "rmsprop", "sgd")  # that the page's kernel has
MAX_LAYERS, MAX_UNITS = 4, 1024  # hidden ones, as in page/play/link.js


def scripts() -> dict[str, Callable[[], str]]:
    """Path -> a function that makes the script there."""
    return {
        "play/packed.js": partial(packed_module, all_digits=True),
        "digits.js": partial(digits_script, more=False),
        "more_digits.js": partial(digits_script, more=True),
    }


def write_playground(folder: Path, *, all_digits: bool = False, run: Run | None = None) -> list[Path]:
    """Write the page into a folder. Returns the files, index.html first.

    Args:
        all_digits: with all 70,000 digits, not with the first 12,000.
        run: the page begins with its network.

    Raises:
        UserError: the page cannot continue with the run's network.
    """
    page = Template(text_of("exported/play.html"))
    packed = packed_module(all_digits=all_digits)
    network = '<script defer src="network.js"></script>\n' if run else ""
    made = {
        "index.html": page.substitute(head=head("Watch a network learn"), play=fragment("play/play"), network=network),
        **{name: documents()[f"/{name}"] for name in ("try.html", "lesson.html")},
        "tendigits.js": join_modules("exported/play.js", {"page/play/packed.js": packed}),
        "manifest.json": text_of("exported/manifest.json"),
    }
    made |= {name: text_of(f"page/{name}") for name in ("style.css", "icon.svg", "try.css")}
    made |= {name: scripts()[name]() for name in ("digits.js", "more_digits.js") if name == "digits.js" or all_digits}
    if run:
        made["network.js"] = network_script(run)
    version = hashlib.sha256("".join(made.values()).encode()).hexdigest()[:16]
    worker = Template(text_of("exported/service-worker.js"))
    made["service-worker.js"] = worker.substitute(files=json.dumps(["./", *made]), version=version)
    make_folder(folder)
    for name, text in made.items():
        write_text(folder / name, text)
    return [folder / name for name in made]


def network_script(run: Run) -> str:
    """A script with the settings and weights of a run's network.

    Raises:
        UserError: it is not a stack of Dense layers as the page has.
        TendigitsError: the run is damaged.
    """
    from keras.layers import Dense, Dropout

    from tendigits.model.file import load_model

    layers, recipe = load_model(run.path, model_digest(run)).layers, run.recipe()
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    hidden = [layer.units for layer in dense[:-1]]
    activations = {layer.activation.__name__ for layer in dense[:-1]} or {"relu"}
    is_stack = all(isinstance(layer, Dense | Dropout) for layer in layers) and not recipe.residual
    is_small = len(hidden) <= MAX_LAYERS and max(hidden, default=0) <= MAX_UNITS
    if not is_stack or not is_small or len(activations) > 1 or not activations <= {*ACTIVATIONS}:
        raise UserError(
            f"expected at most {MAX_LAYERS} hidden Dense layers of at most {MAX_UNITS:,} units, all with one of "
            f"{', '.join(ACTIVATIONS)}, for the playground; {run.path.name} has others"
        )
    settings = recipe.model_dump(include={"dropout", "learning_rate", "batch_size", "seed"})
    settings |= {"hidden": hidden, "activation": activations.pop()}
    settings["optimizer"] = recipe.optimizer if recipe.optimizer in OPTIMIZERS else "adam"
    packed = [_packed(array.astype("<f4").tobytes()) for layer in dense for array in layer.get_weights()]
    about = {"name": run.path.name, "settings": settings, "packed": packed}
    return f"globalThis.tendigitsNetwork = {json.dumps(about)};\n"


@cache
def packed_module(*, all_digits: bool) -> str:
    """The module play/packed.js; it says whether more_digits.js is there, too."""
    kernel = base64.b64encode((WEB / "page/play/play.wasm").read_bytes()).decode()
    worker = join_modules("page/play/worker.js")
    return as_module("packed", {"worker": worker, "kernel": kernel, "all_digits": all_digits})


@cache
def digits_script(*, more: bool) -> str:
    """A script with the first 10,000 training digits and every fifth test digit, or with all others."""
    (x_train, y_train), test_set = load_data()
    # MNIST's first test digits are harder than the rest; every fifth digit is like all of them.
    x_test, y_test = (np.concatenate([each[::5], np.delete(each, np.s_[::5], axis=0)]) for each in test_set)
    train, test = (slice(n, None) if more else slice(n) for n in (N_TRAIN, N_TEST))
    images, labels = np.concatenate([x_train[train], x_test[test]]), np.concatenate([y_train[train], y_test[test]])
    about = {"train": len(y_train[train]), "test": len(y_test[test]), "packed": _packed(pack(images, labels))}
    return f"globalThis.tendigitsDigits = {json.dumps(about)};\n"


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, GZIP_LEVEL, mtime=0)).decode()


def pack(images: Pixels, labels: Pixels) -> bytes:
    """Digits, uint8 (n, 28, 28) and (n,), as bytes that gzip makes a fifth smaller than it makes the pixels.

    The labels, then a bit for each pixel that has ink, then the ink: first of all pixels without inked neighbours, then
    of those with one, and so on to eight. page/play/mnist.js unpacks them.
    """
    has_ink = images > 0
    framed = np.pad(has_ink, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    neighbours = sum(framed[:, y : y + 28, x : x + 28] for y in range(3) for x in range(3)) - framed[:, 1:29, 1:29]
    ink = (images[has_ink & (neighbours == n)].tobytes() for n in range(9))
    return b"".join([labels.tobytes(), np.packbits(has_ink).tobytes(), *ink])
