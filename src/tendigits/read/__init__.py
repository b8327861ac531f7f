"""From a picture to digits: find the lines, cut them into digits, recognise each.

Neither Keras nor JAX is imported; onnxruntime runs the network.
"""
