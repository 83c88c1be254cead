"""Where predictions come from: saved tables and arrays, and models run over a test set.

The kind of a file is told by its content, not only by its suffix; nothing is ever unpickled.
"""
