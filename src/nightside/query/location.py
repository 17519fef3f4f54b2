"""Where results lie: a folder, or the same folder behind a static web server, which lists nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


def forbidden(path: object) -> str:
    """Return what to say of a file or folder that exists, but may not be read."""
    return f"{path} may not be read; check its permissions"


@dataclass(frozen=True)
class Location:
    """The root of results: a folder or a URL of a scheme that fsspec knows, without a slash at its end."""

    root: str

    @classmethod
    def of(cls, results: str | Path) -> Self:
        """Return the location of a path, wherever this process goes later, or of a URL."""
        if "://" in str(results):
            return cls(str(results).rstrip("/"))
        return cls(str(Path(results).absolute()))

    @property
    def remote(self) -> bool:
        """Whether it is a URL."""
        return "://" in self.root

    def __str__(self) -> str:
        """Return the folder or the URL."""
        return self.root

    def absent(self, names: Sequence[str]) -> list[str]:
        """Return those of some files, by their paths below the root, that are not there; a server is asked at once.

        Raises:
            ValueError: the server cannot be reached, or refuses.
        """
        if not self.remote:
            return [name for name in names if not Path(self.root, name).is_file()]
        if not names:  # which fsspec takes for a fault
            return []
        import fsspec

        with self._answered(self.root):
            system, root = fsspec.core.url_to_fs(self.root)
            found = system.cat([f"{root}/{name}" for name in names], on_error="return")
            answers = [found[f"{root}/{name}"] for name in names]
            for answer in answers:
                if isinstance(answer, Exception) and not isinstance(answer, FileNotFoundError):
                    raise answer
        return [name for name, answer in zip(names, answers, strict=True) if isinstance(answer, Exception)]

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, by its path below the root; None where there is none.

        Raises:
            ValueError: the server cannot be reached, or refuses.
        """
        if not self.remote:
            path = Path(self.root, name)
            return path.read_bytes() if path.is_file() else None
        import fsspec

        with self._answered(f"{self.root}/{name}"):
            system, path_at = fsspec.core.url_to_fs(f"{self.root}/{name}")
            try:
                content: bytes = system.cat_file(path_at)
            except FileNotFoundError:
                return None
        return content

    def store(self, name: str) -> Any:
        """Return what xarray and zarr open as the store at a path below the root."""
        if not self.remote:
            return Path(self.root, name)
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(f"{self.root}/{name}", read_only=True)

    @staticmethod
    @contextmanager
    def _answered(url: str) -> Iterator[None]:
        """Name the address of what cannot be read: each file system of fsspec has errors of its own."""
        try:
            yield
        except Exception as error:
            raise ValueError(
                f"{url} cannot be read ({error}); check the address, and that the server runs"
            ) from error
