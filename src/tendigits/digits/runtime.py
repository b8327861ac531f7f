"""Open the networks' ONNX files with onnxruntime, on the processor.

session = open_session(asset("digits", "reader.onnx"), "reader", threads=1)
"""

from importlib.resources import files
from typing import Any

from tendigits.errors import ModelFileError, reason_of


def open_session(data: bytes, name: str, threads: int | None = None) -> Any:
    """An `onnxruntime.InferenceSession` on at most this many threads; None takes all cores.

    Raises ModelFileError if the file is damaged.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # on Windows; elsewhere ORT_DISABLE_TELEMETRY has done it
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave idle cores to others
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen classes, all private
        raise ModelFileError(f"{name} is not a complete model file: {reason_of(error)}") from error


def asset(package: str, name: str) -> bytes:
    """A network's file in one of tendigits' packages. Raises ModelFileError if it is damaged."""
    try:
        return (files(f"tendigits.{package}") / "assets" / name).read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"expected the package's own network, received {error}; install tendigits again"
        ) from error
