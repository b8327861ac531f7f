import numpy as np

from tendigits.model.onnx_nodes import Graph, Value, cannot_write


def test_nodes_and_constants_have_names_of_their_own():
    graph = Graph()
    weight = graph.constant(np.ones((2, 2)))
    first = graph.node("MatMul", "image", weight)
    second = graph.node("Relu", first)
    assert len({weight, first, second}) == 3
    assert [list(node.input) for node in graph.nodes] == [["image", weight], [first]]
    assert graph.constants[weight].dtype == np.float32
    assert graph.constants[graph.constant([1, 2], np.int64)].dtype == np.int64


def test_channels_are_moved_only_where_they_are_elsewhere():
    graph = Graph()
    assert graph.last(Value("x")) == "x"
    assert graph.first(Value("x", first=True)) == "x"
    assert graph.nodes == []
    graph.last(Value("x", first=True))
    graph.first(Value("x"))
    assert [list(node.attribute[0].ints) for node in graph.nodes] == [[0, 2, 3, 1], [0, 3, 1, 2]]


def test_the_end_has_the_name_that_is_wanted():
    graph = Graph()
    graph.end(Value("image"), "answer")
    assert [(node.op_type, list(node.output)) for node in graph.nodes] == [("Identity", ["answer"])]
    graph = Graph()
    graph.end(Value(graph.node("Relu", "image")), "answer")
    assert [(node.op_type, list(node.output)) for node in graph.nodes] == [("Relu", ["answer"])]


def test_only_what_is_used_once_is_folded():
    graph = Graph()
    value = Value(graph.node("Gemm", "image", graph.constant(np.ones((2, 3))), graph.constant(np.ones(3))))
    scale, shift = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, 0.0])
    graph.uses[value.name] = 2
    assert not graph.fold(value, scale, shift)
    graph.uses[value.name] = 1
    assert graph.fold(value, scale, shift)
    np.testing.assert_array_equal(graph.constants["c0"], [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(graph.constants["c1"], [1.5, 2, 3])
    assert not graph.fold(Value("image"), scale, shift)


def test_what_cannot_be_written_is_told_with_the_way_out():
    assert str(cannot_write("a layer")).endswith("received a layer; litert and stablehlo take any")
