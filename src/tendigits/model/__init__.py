"""A recipe and the Keras network it describes, its calibration, its files, and its ONNX form."""
