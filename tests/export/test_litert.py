"""The LiteRT file by its own interpreter, and a network with pooling."""

import dataclasses
import os

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tendigits.errors import UserError
from tendigits.export import litert

layers = keras.layers


def with_model(source, *stack):
    """The source with another network, the same each time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), *stack, layers.Dense(10, activation="softmax")])
    return dataclasses.replace(source, model=model)


def test_one_digit_by_the_interpreter_alone(source, tmp_path):
    litert.write(source, tmp_path / "a.tflite")
    interpreter = Interpreter(str(tmp_path / "a.tflite"))
    interpreter.allocate_tensors()
    run = interpreter.get_signature_runner("serving_default")
    found = run(image=source.x_test[:1])["probabilities"]
    np.testing.assert_allclose(found, source.expected[:1], atol=1e-5)
    assert interpreter.get_input_details()[0]["shape_signature"].tolist() == [-1, 784]
    assert litert.about(tmp_path / "a.tflite") == source.about


def test_any_number_at_once_and_again(source, tmp_path):
    litert.write(source, tmp_path / "a.tflite")
    answer = litert.open_(tmp_path / "a.tflite")
    for n in (1, 7, 3, 1000, 1):
        np.testing.assert_allclose(answer(source.x_test[:n]), source.expected[:n], atol=1e-5)


def test_layers_become_the_operators_that_one_expects(source, tmp_path):
    pooling = with_model(
        source, layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(2), layers.AveragePooling2D(3, 2, "same"), layers.Flatten(),
    )  # fmt: skip
    litert.write(pooling, tmp_path / "a.tflite")
    np.testing.assert_allclose(litert.open_(tmp_path / "a.tflite")(pooling.x_test), pooling.expected, atol=1e-5)
    interpreter = Interpreter(str(tmp_path / "a.tflite"))
    operators = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert {"DEPTHWISE_CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"} <= operators
    assert "STABLEHLO_REDUCE_WINDOW" not in operators


def test_eight_bits_take_and_give_float32(source, tmp_path):
    litert.write_int8(source, tmp_path / "a.tflite", source.samples(200))
    interpreter = Interpreter(str(tmp_path / "a.tflite"))
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["dtype"] is made["dtype"] is np.float32
    assert any(tensor["dtype"] is np.int8 for tensor in interpreter.get_tensor_details())
    found = litert.open_(tmp_path / "a.tflite")(source.x_test)
    assert (found.argmax(axis=1) == source.expected.argmax(axis=1)).mean() > 0.99


def test_eight_bits_of_a_large_layer(source, tmp_path):
    """The quantizer keeps what is large elsewhere in the file."""
    large = with_model(source, layers.Dense(512, activation="relu"))
    litert.write_int8(large, tmp_path / "a.tflite", large.samples(50))
    found = litert.open_(tmp_path / "a.tflite")(large.x_test[:200])
    assert np.abs(found - large.expected[:200]).mean() < 0.02  # of weights that are lost it is 0.1
    assert (tmp_path / "a.tflite").stat().st_size > 400_000


def test_what_mixes_digits_is_told(source, tmp_path):
    mixing = with_model(source, layers.Reshape((28, 28)), layers.Dense(3), layers.Flatten())
    with pytest.raises(UserError, match="expected layers that treat each digit alone, one reshapes to"):
        litert.write(mixing, tmp_path / "a.tflite")


def test_a_quiet_block_gives_standard_error_back(capfd):
    with litert._quiet():
        os.write(2, b"nothing\n")
    os.write(2, b"something\n")
    assert capfd.readouterr().err == "something\n"
