"""Run notebooks and store them so that a difference means a change: reruns give the same bytes.

`show`, `show_text` and `show_sheet` are for use inside of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reidlib.errors import ReidError
from reidlib.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reidlib.experiments.forms import Sheet

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TOLERANCE = 0.02  # of white, in a block of a photograph or a map
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}


def show(
    figure: Figure, name: str, dpi: float = 100, colours: int = 64, *, placed: bool = True
) -> None:
    """`check` a sheet of photographs under `name`, display it in few colours, a sixth of the bytes,
    and close it. Photographs and maps may differ by TOLERANCE: machines round differently.
    placed: see `check`.
    """
    import base64
    from io import BytesIO

    import matplotlib.pyplot as plt
    from IPython.display import display
    from PIL import Image

    from reidlib.seeing.figures import check

    check(figure, name, rtol=TOLERANCE, live=True, placed=placed)
    whole, light = BytesIO(), BytesIO()
    figure.savefig(whole, dpi=dpi, bbox_inches="tight")
    plt.close(figure)
    few = Image.open(whole).convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=4)
    few.save(light, "png", optimize=True)
    png = base64.b64encode(light.getvalue()).decode()
    display({"image/png": png, "text/plain": "a picture"}, raw=True)


def show_text(markdown: str, plain: str = "") -> None:
    """Display Markdown, a table for instance; plain: the same where Markdown cannot be shown."""
    from IPython.display import display

    display({"text/markdown": markdown, "text/plain": plain or markdown}, raw=True)


def show_sheet(sheet: Sheet) -> None:
    """Display a table of `reidlib.experiments`."""
    from reidlib.experiments.forms import write

    show_text(write(sheet, "markdown"), write(sheet, "text"))


def numbered(folder: Path) -> list[Path]:
    """The numbered notebooks of a folder, in reading order."""
    found = sorted(p for p in folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise ReidError(f"no numbered notebooks in {folder}: run this from the repository's root")
    return found


def execute(
    path: Path, out: Path | None = None, timeout: int = 600, *, redraw: bool = False
) -> None:
    """Run a notebook in its own folder and write it, outputs included, to `out` (default: itself).

    redraw: what its figures draw now replaces their references, if all cells pass.
    Nothing is written when a cell fails: a ReidError names the cell and its last line.
    """
    if redraw:
        with _renewed(path.parent / "reference", f"fig_{path.stem[:2]}_"):
            execute(path, out, timeout)
        return
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        startup_timeout=timeout,  # a busy machine may take minutes to start a kernel
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        # Else every kernel warns that it talks unencrypted, which it does within this machine.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    os.environ.setdefault("PYTHONHASHSEED", "0")
    os.environ.pop("MPLBACKEND", None)  # another backend than the kernel's own shows no pictures
    try:
        client.execute()
    except CellTimeoutError as error:
        raise ReidError(f"{path.name}: a cell took longer than {timeout} s") from error
    except CellExecutionError as error:
        number = next(
            (n for n, cell in enumerate(notebook.cells) if _failed(cell)), len(notebook.cells)
        )
        raise ReidError(f"{path.name}, cell {number}: {error.ename}: {error.evalue}") from error
    tidy(notebook)
    write_text(out or path, nbformat.writes(notebook) + "\n")


@contextmanager
def _renewed(folder: Path, start: str) -> Iterator[None]:
    """References of a notebook out of the way, and back if it fails."""
    kept = {path: path.read_bytes() for path in folder.glob(f"{start}*.json")}
    for path in kept:
        path.unlink()
    try:
        yield
    except BaseException:
        for path, content in kept.items():
            path.write_bytes(content)
        raise


def _failed(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def tidy(notebook: Any) -> None:
    """Drop what differs between two runs of the same code: times, ids of widgets, versions."""
    notebook.metadata = type(notebook.metadata)(kernelspec=KERNEL, language_info=LANGUAGE)
    count = 0
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        if cell.source.strip():
            count += 1
            cell.execution_count = count
        kept = _merged(o for o in cell.outputs if _kept(o))
        cell.outputs = [_tidy_output(output, count) for output in kept]


def _kept(output: Any) -> bool:
    """Progress bars and warnings go to stderr; they differ from run to run and teach nothing."""
    return not (output.output_type == "stream" and output.name == "stderr")


def _tidy_output(output: Any, count: int) -> Any:
    if output.output_type == "execute_result":
        output.execution_count = count
    data = output.get("data", {})
    for kind in [k for k in data if k.startswith("application/vnd.jupyter.widget")]:
        del data[kind]  # live widgets need a kernel; what stays is their text
    return output


def _merged(outputs: Iterable[Any]) -> list[Any]:
    """Neighbouring pieces of one stream as one: where the kernel cuts them is chance."""
    merged: list[Any] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            merged.append(output)
    return merged


def title(path: Path) -> str:
    """The first heading of a notebook."""
    import nbformat

    first = nbformat.read(path, as_version=4).cells[0].source
    return str(first).splitlines()[0].lstrip("# ")


def to_html(path: Path, out: Path) -> None:
    """A notebook as one page that a browser opens."""
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter(template_name="lab").from_filename(str(path))
    write_text(out, body)
