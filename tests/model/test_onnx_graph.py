"""Whole networks as graphs, stacked at random, too, against Keras by onnxruntime."""

from itertools import chain

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onnx_oracle import assert_same, with_any_weights
from tendigits.errors import UserError
from tendigits.model.network import build_network
from tendigits.model.onnx import to_onnx
from tendigits.model.recipe import Recipe, load_recipe
from tendigits.train.ensemble import average_networks

layers = keras.layers


def test_normalisation_is_folded_into_what_it_follows():
    stack = [keras.Input((8, 8, 2)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
             layers.Flatten(), layers.Dense(5), layers.BatchNormalization()]  # fmt: skip
    assert assert_same(keras.Sequential(stack)) == ["Transpose", "Conv", "Relu", "Transpose", "Flatten", "Gemm"]


def test_normalisation_is_not_folded_where_others_need_what_was_before():
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3)(x)
    z = layers.BatchNormalization()(y)
    assert_same(keras.Model(x, layers.Add()([y, z])))
    assert_same(keras.Model(x, layers.Add()([z, y])))


@pytest.mark.parametrize("name", ["classic", "cnn", "deep", "fast", "residual"])
def test_the_recipes_networks(name):
    assert_same(build_network(load_recipe(name)))


def test_an_ensemble_is_a_model_of_models():
    recipe = Recipe(convolutions=("4x5/2",), hidden=(), epochs=1)
    members = [
        with_any_weights(build_network(recipe.with_changes(seed=seed, name=f"m-{seed}")), seed) for seed in range(3)
    ]
    operators = assert_same(average_networks(members, recipe))
    assert operators.count("Conv") == 3
    assert operators[-1] == "Mean"


def test_a_model_that_does_nothing():
    assert assert_same(keras.Sequential([keras.Input((4,)), layers.Dropout(0.1)])) == ["Identity"]


some = st.sampled_from
stage = st.one_of(  # functions: Keras draws a seed for each layer, which is nothing for a strategy
    st.builds(
        lambda kernel, stride, padding, bias, kind: lambda: [
            layers.Conv2D(4, kernel, stride, padding, use_bias=bias, activation=kind)
        ],
        st.integers(1, 4), st.integers(1, 2), some(["same", "valid"]), st.booleans(), some([None, "relu", "gelu"]),
    ),
    st.builds(
        lambda kind, size, stride, padding: lambda: [kind(size, stride, padding)],
        some([layers.MaxPooling2D, layers.AveragePooling2D]), st.integers(1, 3), st.integers(1, 2),
        some(["same", "valid"]),
    ),
    st.just(lambda: [layers.BatchNormalization(), layers.Activation("elu")]),
    st.just(lambda: [layers.Dropout(0.3)]),
    st.just(lambda: [layers.Dense(3, activation="tanh")]),
)  # fmt: skip


@settings(max_examples=15)
@given(st.lists(stage, max_size=4), st.integers(0, 99))
def test_any_stack(stages, seed):
    stack = [keras.Input((784,)), layers.Reshape((28, 28, 1)), *chain.from_iterable(make() for make in stages)]
    assert_same(keras.Sequential([*stack, layers.Flatten(), layers.Dense(10, activation="softmax")]), seed)


def test_two_inputs_are_told():
    inputs = [keras.Input((3,)), keras.Input((3,))]
    with pytest.raises(UserError, match="one input and one output"):
        to_onnx(keras.Model(inputs, layers.Add()(inputs)), {})
