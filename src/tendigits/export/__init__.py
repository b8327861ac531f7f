"""tendigits export: write a network in another format, load it with that format's own runtime, and verify it there.

The formats are ONNX, LiteRT, Keras, HDF5, StableHLO, and a web page that reads in the browser.
"""
