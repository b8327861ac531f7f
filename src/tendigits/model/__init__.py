"""A recipe and the Keras network it describes; saving, loading and checking model files.

Calibration and the ONNX form of a network are here, too.
"""
