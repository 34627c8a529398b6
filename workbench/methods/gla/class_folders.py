"""A zip of pictures in class folders, read with care: nothing of it is ever written anywhere."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
MAXIMUM_FILES = 2_000
MAXIMUM_CLASSES = 200
MAXIMUM_MIB = 64
"""Of all pictures together, unpacked."""
FEWEST = 2
"""Pictures a class: one to label, one to test."""


@dataclass(frozen=True)
class ClassFolders:
    """Pictures as files, by class.

    Args:
        class_names: in order of the alphabet.
        files: name and bytes of each picture, in the order of the classes.
        labels: number of each picture's class.
    """

    class_names: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]
    labels: tuple[int, ...]


def read_class_folders(path: Path) -> ClassFolders:
    """Read a zip whose folders are classes: ``anything/cat/1.png`` is a picture of "cat".

    Raises:
        InputError: not a readable zip; a path climbs out, a file is no picture or lies in no
            folder, a folder is empty; too many, too few or too large; says which and what is
            allowed.
    """
    with _opened(path) as archive:
        members = _members(archive)
        for name, _ in members:
            if "/" not in name:
                raise InputError(
                    f"{name[:80]!r} lies in no folder; put each class in a folder of its own."
                )
        _refuse_empty(archive, [name for name, _ in members])
        by_class = _by_class([name for name, _ in members])
        inside = {name: archive.read(entry) for name, entry in members}
    names = tuple(by_class)
    files = tuple((file, inside[file]) for name in names for file in by_class[name])
    labels = tuple(c for c, name in enumerate(names) for _ in by_class[name])
    return ClassFolders(names, files, labels)


def read_loose_pictures(path: Path, most: int) -> tuple[tuple[str, bytes], ...]:
    """Name and bytes of every picture of a zip, wherever in it they lie, by name.

    Args:
        path: of the zip.
        most: so many pictures at most.

    Raises:
        InputError: not a readable zip; a path climbs out, a file is no picture; none, too many or
            too large; says which and what is allowed.
    """
    with _opened(path) as archive:
        members = dict(_members(archive))
        if not 1 <= len(members) <= most:
            raise InputError(f"The zip has {len(members):,} pictures; give 1 to {most}.")
        return tuple((name, archive.read(entry)) for name, entry in sorted(members.items()))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(
            f"The zip cannot be read ({error}). Pack the pictures again, without a password."
        ) from error


def _members(archive: zipfile.ZipFile) -> list[tuple[str, zipfile.ZipInfo]]:
    """The pictures of a zip; what systems add of their own is passed over."""
    found: list[tuple[str, zipfile.ZipInfo]] = []
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAXIMUM_FILES:
        raise InputError(
            f"The zip holds {len(entries):,} files; at most {MAXIMUM_FILES:,} are read. Pack fewer."
        )
    for entry in entries:
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
            raise InputError(
                f"{entry.filename[:80]!r} leads out of the zip. Pack class folders by their names."
            )
        if any(part.startswith((".", "__MACOSX")) for part in place.parts):
            continue
        if place.suffix.lower() not in PICTURES:
            what = "another zip" if place.suffix.lower() == ".zip" else "no picture"
            raise InputError(
                f"{entry.filename[:80]!r} is {what}; pack only {', '.join(PICTURES)} files."
            )
        found.append((str(place), entry))
    total = sum(entry.file_size for _, entry in found)
    if total > MAXIMUM_MIB * 2**20:
        raise InputError(
            f"The pictures have {total / 2**20:,.0f} MiB unpacked; at most {MAXIMUM_MIB} are read."
        )
    return found


def _refuse_empty(archive: zipfile.ZipFile, files: list[str]) -> None:
    """Refuse a folder that holds nothing, for its class would be left out without a word."""
    folders = [entry.filename for entry in archive.infolist() if entry.is_dir()]
    for folder in folders:
        parts = PurePosixPath(folder).parts
        is_filled = any(one.startswith(folder) for one in [*files, *folders] if one != folder)
        if not is_filled and not any(part.startswith((".", "__MACOSX")) for part in parts):
            raise InputError(
                f"The folder {folder[:80]!r} is empty; put at least {FEWEST} pictures of its class "
                "into it, or leave it out."
            )


def _by_class(files: list[str]) -> dict[str, list[str]]:
    """Files by the name of their folder, classes and files in order of the alphabet."""
    folders: dict[str, set[PurePosixPath]] = {}
    by_class: dict[str, list[str]] = {}
    for file in sorted(set(files)):
        folder = PurePosixPath(file).parent
        name = folder.name.replace("_", " ").strip()
        folders.setdefault(name.casefold(), set()).add(folder)
        by_class.setdefault(name, []).append(file)
    twice = [name for name, places in folders.items() if len(places) > 1]
    if twice:
        raise InputError(f"Two folders are named {twice[0]!r}; give every class its own name.")
    if not 2 <= len(by_class) <= MAXIMUM_CLASSES:
        raise InputError(
            f"The zip has {len(by_class):,} class folder(s); give 2 to {MAXIMUM_CLASSES}."
        )
    for name, members in by_class.items():
        if len(members) < FEWEST:
            raise InputError(
                f"The class {name!r} has one picture; give at least {FEWEST}: one to find the "
                "prior, one to test."
            )
    return dict(sorted(by_class.items()))
