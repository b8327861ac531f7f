"""A picture of one digit: find it, crop it like MNIST's, classify it.

Neither Keras nor JAX is imported; onnxruntime runs the network.
"""
