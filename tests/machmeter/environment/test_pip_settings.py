import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from machmeter.environment.pip_settings import PipSettings

STRATEGY = ["--index-strategy", "unsafe-best-match"]


def test_real_pip_is_understood(tmp_path: Path) -> None:
    """A configuration file and variables as pip itself lists them become uv's arguments."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\nindex-url = https://example.org/simple\nfind-links = /srv/one /srv/two\n"
        "[install]\nextra-index-url =\n    https://a.example.org/simple\n    https://b.example.org/simple\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env=kept | {"PIP_CONFIG_FILE": str(configuration), "PIP_CONSTRAINT": "/srv/constraints.txt"},
        capture_output=True,
        text=True,
        check=True,
    )
    settings = PipSettings.parse(listing.stdout)
    arguments = settings.uv_arguments()
    pairs = set(zip(arguments[::2], arguments[1::2], strict=True))
    assert {
        ("--default-index", "https://example.org/simple"),
        ("--index", "https://a.example.org/simple"),
        ("--index", "https://b.example.org/simple"),
        ("--find-links", "/srv/one"),
        ("--find-links", "/srv/two"),
        ("--constraints", "/srv/constraints.txt"),
    } <= pairs


def test_a_variable_wins_over_a_file_and_install_over_global() -> None:
    """pip reads global, then install, then the environment, and the last word counts."""
    listing = "global.find-links='/one'\ninstall.find-links='/two'\n:env:.find-links='/three'\n"
    assert PipSettings.parse(listing).uv_arguments() == ["--find-links", "/three", *STRATEGY]
    without_variable = listing.rpartition(":env:")[0]
    assert PipSettings.parse(without_variable).uv_arguments() == ["--find-links", "/two", *STRATEGY]


def test_switches_have_no_value() -> None:
    """no-index and pre are true in several spellings, and false in others."""
    settings = PipSettings.parse("global.no-index='yes'\nglobal.pre='1'\n")
    assert settings.uv_arguments() == ["--no-index", "--prerelease", "allow", *STRATEGY]
    assert PipSettings.parse("global.no-index='false'").uv_arguments() == STRATEGY


def test_certificates_and_proxies_become_variables() -> None:
    """uv takes these from its environment."""
    settings = PipSettings.parse("global.cert='/etc/ca.pem'\nglobal.proxy='http://localhost:3128'\n")
    assert settings.uv_environment() == {"SSL_CERT_FILE": "/etc/ca.pem", "ALL_PROXY": "http://localhost:3128"}


@given(st.text())
def test_any_output_is_survived(listing: str) -> None:
    """Warnings among the lines, or a pip of the future, are no reason to stop."""
    assert PipSettings.parse(listing).uv_arguments()[-2:] == STRATEGY
