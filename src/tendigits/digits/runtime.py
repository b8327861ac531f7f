"""Run the networks' ONNX files with onnxruntime, on the processor.

network = OnnxNetwork(asset("digits", "reader.onnx"), "reader", threads=1)
probabilities = network(x)
"""

from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import ModelFileError, reason_of

Floats = NDArray[np.float32]


class OnnxNetwork:
    """A network with one input."""

    def __init__(self, data: bytes, name: str, threads: int | None = None, keeps_memory: bool = True) -> None:
        """Open an .onnx file on up to `threads` cores, None for all. Raises ModelFileError if it is damaged.

        A network that keeps its memory for the next call is 7% faster; of whole pages it would be hundreds of MB.
        """
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # on Windows; elsewhere ORT_DISABLE_TELEMETRY has done it
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.enable_cpu_mem_arena = keeps_memory
        options.intra_op_num_threads = threads or 0
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave idle cores to others
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen classes, all private
            raise ModelFileError(f"{name} is not a complete model file: {reason_of(error)}") from error
        given, made = self._session.get_inputs()[0], self._session.get_outputs()
        self._input, self._outputs = given.name, [output.name for output in made]
        self.input_shape: list[Any] = given.shape
        self.output_shape: list[Any] = made[0].shape
        self.shapes = f"one from {given.shape} to {made[0].shape}"  # for error messages
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def __call__(self, x: Floats) -> Floats:
        """The first output for an input of `input_shape`, float32."""
        output: Floats = self._session.run(self._outputs[:1], {self._input: x})[0]
        return output

    def other_outputs(self, x: Floats) -> list[Floats]:
        """All outputs but the first; empty if there are no others."""
        return self._session.run(self._outputs[1:], {self._input: x}) if self._outputs[1:] else []


def asset(package: str, name: str) -> bytes:
    """A network's file in one of tendigits' packages. Raises ModelFileError if it is damaged."""
    try:
        return (files(f"tendigits.{package}") / "assets" / name).read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"expected the package's own network, received {error}; install tendigits again"
        ) from error
