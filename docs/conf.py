"""How Sphinx renders the book. `docs/book.py` gathers the pages and runs it."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import reidlib  # noqa: E402

project = "reidlib"
version = release = reidlib.__version__
html_title = "reidlib"
copyright = ""
html_show_copyright = html_show_sphinx = False
html_copy_source = False

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "docstrings",
    "mathematics",
]
exclude_patterns = ["README.md"]  # the index includes it

# Notebooks are shown as they were stored; `make notebooks` runs them, the tests check them.
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables and formulas in outputs, as in the cells
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

smartquotes = False  # "..." and straight quotes mean something in code

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_favicon = "static/favicon.svg"
pygments_style = "friendly"
pygments_dark_style = "monokai"
