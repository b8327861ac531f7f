"""A network for another runtime: ONNX, LiteRT, StableHLO, Keras files, or a web page.

Every export is loaded back and verified before it is kept.
"""
