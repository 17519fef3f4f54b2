"""The section of the configuration that says which images there are."""

from __future__ import annotations

from nightside.config import ConfigError, Settings
from nightside.config.nac import NacSource


def images_of(settings: Settings) -> NacSource:
    """Return the section ``optical.images``.

    Raises:
        ConfigError: the configuration has no optical section.
    """
    if settings.optical is None:
        raise ConfigError(
            "the configuration has no section 'optical'; add one with 'images', or leave the room out"
        )
    return settings.optical.images
