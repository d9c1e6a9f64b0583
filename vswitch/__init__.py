"""A virtual switch that you import."""

__version__ = "0.1.0"
