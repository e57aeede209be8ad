"""Functions that end a process with several interpreters by corrupting its memory."""

import pytest

from yummy.hooks.calls import HookLimits


@pytest.mark.parametrize("name", ["_current_frames", "_current_exceptions"])
@pytest.mark.parametrize("sandbox", [True, False])
async def test_what_would_corrupt_memory_is_refused_whatever_scripts_may_do(name, sandbox, serve_scripts, pre_play):
    script = f"import sys\ndef pre_play(model): sys.{name}()"
    async with serve_scripts(script, limits=HookLimits(debug=True, sandbox=sandbox)) as host:
        assert "frames of other threads" in (await host.call(pre_play())).text
