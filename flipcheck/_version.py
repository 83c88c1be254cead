"""The version, in the one place that the package, the command and the reports read it from."""

__version__ = "0.1.0"
