"""What the commands say of themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from groundhog.cli import main

if TYPE_CHECKING:
    import pytest


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    help_text = capsys.readouterr().out
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == help_text


def test_the_address_of_a_container(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openwhisk", "--help"]) == 0
    assert "--host TEXT The platform calls from outside of the container. [default: 0.0.0.0]" in " ".join(
        capsys.readouterr().out.split()
    )


def test_the_target_that_may_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--help"]) == 0
    assert "Usage: groundhog bench [OPTIONS] [TARGET]\n" in capsys.readouterr().out
    assert main(["invoke", "--help"]) == 0
    assert "Usage: groundhog invoke [OPTIONS] TARGET\n" in capsys.readouterr().out


def test_a_server_does_not_wait_for_what_draws_tables() -> None:
    code = 'import sys, groundhog.cli; groundhog.cli.main(["serve", "-h"]); sys.exit("rich" in sys.modules)'
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
