"""Failpoints: nothing without a hook, and a hook that is told where, when and how to fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from lakehouse.errors import ConfigError
from lakehouse.failpoints import POINTS, FailOnce, InjectedFaultError, from_text, installed, reach

POINT = "ingestion.after_plan"


def test_without_a_hook_nothing_happens() -> None:
    """Outside the block of a hook a point is passed; inside it the hook hears of each one, in order."""
    heard: list[str] = []
    with installed(heard.append):
        reach(POINT)
        reach("runner.closing")
    reach(POINT)
    assert heard == [POINT, "runner.closing"]


def test_a_hook_fails_once_at_the_time_it_was_told() -> None:
    """At the second time the point is reached, not at the first or third, and not at other points."""
    with installed(FailOnce(name=POINT, count=2)):
        reach("runner.closing")
        reach(POINT)
        with pytest.raises(InjectedFaultError, match=POINT):
            reach(POINT)
        reach(POINT)


def test_the_outer_hook_is_back_after_an_inner_one_raised() -> None:
    """Hooks nest; the end of a block restores the one before, also when the block fails."""
    heard: list[str] = []
    with installed(heard.append):
        with pytest.raises(InjectedFaultError), installed(FailOnce(name=POINT)):
            reach(POINT)
        reach(POINT)
    assert heard == [POINT]


@pytest.mark.parametrize("text", ["nowhere=kill", f"{POINT}=explode", f"{POINT}:0=kill", f"{POINT}:x=kill", POINT])
def test_a_wrong_request_is_refused(text: str) -> None:
    """An unknown point or action, and a count that is none, name what there is."""
    with pytest.raises(ConfigError, match="actions are raise, kill, pause"):
        from_text(text)


def test_nothing_is_asked_for_by_an_empty_text() -> None:
    """No request, no hook."""
    assert from_text("") is None


def in_a_child(action: str) -> subprocess.Popen[bytes]:
    """A process group of its own that reaches a point twice, told by its environment to act at the second time."""
    program = f"from lakehouse.failpoints import reach; reach({POINT!r}); reach({POINT!r})"
    environment = {**os.environ, "LAKEHOUSE_FAILPOINT": f"{POINT}:2={action}"}
    return subprocess.Popen([sys.executable, "-c", program], env=environment, start_new_session=True)


def test_a_child_is_killed_where_its_environment_says() -> None:
    """The whole process group dies of SIGKILL, which nothing can catch."""
    assert in_a_child("kill").wait() == -signal.SIGKILL


def test_a_child_pauses_until_it_is_told_to_go_on() -> None:
    """It stops at the point, and ends as if nothing had been once it is continued."""
    child = in_a_child("pause")
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert (os.WIFSTOPPED(status), os.WSTOPSIG(status)) == (True, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGCONT)
    assert child.wait() == 0


def test_every_point_says_what_is_true_there() -> None:
    """One line each, no two alike."""
    assert len(set(POINTS.values())) == len(POINTS) > 24
