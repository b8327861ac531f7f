"""A child process that speaks JSON lines: what it prints, why it ended, and that it never outlives its parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from processes import children_of
from tendigits.pool.child import Child

COUNT = "import sys\nfor n in range(3): print('{\"n\": %d}' % n, flush=True)\nsys.stdin.read()"


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def output_of(code):
    child = await Child.start("-c", code, environment={"SECRET": '{"a": 2}'})
    messages = [message async for message in child.messages()]
    return messages, *await child.wait()


def wait_until_gone(pid):
    for _ in range(300):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the process is still there")


def test_messages_are_received_and_the_child_ends_with_its_input():
    async def go():
        child = await Child.start("-c", COUNT)
        received = child.messages()
        first = [await anext(received) for _ in range(3)]
        await child.stop(timeout=30)
        return first, [message async for message in received], await child.wait()

    assert run(go()) == ([{"n": 0}, {"n": 1}, {"n": 2}], [], (0, "exit code 0"))


@pytest.mark.parametrize(
    ("code", "messages", "end"),
    [
        ("print('no JSON\\n[1]\\n{\"a\": 1}')", [{"a": 1}], (0, "exit code 0")),
        ("import sys; sys.exit('first line\\nthe last line')", [], (1, "the last line")),
        ("import sys; sys.stderr.write('x\\n' * 2**20 + 'the last line'); sys.exit(2)", [], (2, "the last line")),
        ("import os; print(os.environ['SECRET'])", [{"a": 2}], (0, "exit code 0")),
        ("import os; os.kill(os.getpid(), 9)", [], (-9, "signal 9 killed the process; perhaps memory was short")),
    ],
)
def test_what_a_child_prints_and_why_it_ended(code, messages, end):
    assert run(output_of(code)) == (messages, *end)


def test_a_child_that_does_not_end_is_killed():
    async def go():
        child = await Child.start("-c", "import time; print('{}', flush=True); time.sleep(600)")
        assert await anext(child.messages()) == {}
        await child.stop(timeout=0.2)
        return await child.wait()

    assert run(go())[0] == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_a_command_ends_with_its_parent_that_was_killed(tmp_path, digits_npz):
    """As by SIGTERM: the run can be resumed."""
    training = ["train", "--json", "--recipe", "mlp", "--epochs", "1000", "--name", "a", "--patience", "0"]
    code = (
        "import asyncio\nfrom tendigits.pool.child import Child\n"
        "async def main():\n"
        f"    child = await Child.start('-m', 'tendigits.pool.child', *{[*training, '--data', str(digits_npz)]})\n"
        "    async for message in child.messages():\n        print(message, flush=True)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as parent:
        parent.stdout.readline()
        (pid,) = children_of(parent.pid)
        parent.kill()
    wait_until_gone(pid)
    assert '"status": "interrupted"' in (tmp_path / "runs" / "a" / "run.json").read_text()
