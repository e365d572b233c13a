"""Video person re-identification: five papers, one house. Nothing heavy is imported here."""

__version__ = "0.1.0"
