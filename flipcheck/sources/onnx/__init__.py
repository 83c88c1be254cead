"""ONNX models: read safely, run over a test set in one pass, their outputs read as answers."""
