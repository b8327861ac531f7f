"""tendigits export: write a network in another format, and verify it with that format's runtime.

The formats are ONNX, LiteRT, Keras, HDF5, StableHLO, and a web page that reads digits in the browser.
"""
