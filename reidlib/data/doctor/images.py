"""Decodes every image of a copy, in threads: Pillow lets go of the interpreter meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reidlib.data import reading

CHUNK = 256  # images handed to a thread at once; about a third of the work cannot be shared


def images_below(base: Path, folders: Sequence[str]) -> list[str]:
    """Every image in the folders and below them, sorted, relative to `base`."""
    found: list[str] = []
    for folder in folders:
        found += [f"{folder}/{name}" for name in reading.list_images(base / folder)]
        inner = [f"{folder}/{name}" for name in reading.list_folders(base / folder)]
        found += images_below(base, inner)
    return found


def damage(path: Path) -> str:
    """What is wrong with an image: "empty", "truncated", "unreadable"; nothing when it decodes."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        if path.is_file() and path.stat().st_size == 0:
            return "empty"
        return "truncated" if "truncated" in str(error).lower() else "unreadable"
    return ""


def damaged(
    base: Path, names: Sequence[str], *, workers: int | None = None, progress: bool = True
) -> Iterator[tuple[str, str]]:
    """Name and damage of every image that does not decode to its end."""
    from tqdm.auto import tqdm

    def look(chunk: Sequence[str]) -> list[tuple[str, str]]:
        seen = ((name, damage(base / name)) for name in chunk)
        return [(name, wrong) for name, wrong in seen if wrong]

    chunks = [names[i : i + CHUNK] for i in range(0, len(names), CHUNK)]
    pool = ThreadPoolExecutor(workers or os.cpu_count())
    bar = tqdm(total=len(names), unit=" images", disable=not progress, desc="decoding")
    try:
        for chunk, found in zip(chunks, pool.map(look, chunks), strict=True):
            yield from found
            bar.update(len(chunk))
    finally:
        pool.shutdown(cancel_futures=True)
        bar.close()
