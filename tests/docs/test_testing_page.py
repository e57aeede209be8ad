"""The page about testing: its tests are run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_the_tests_on_the_page_pass(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    script, *tests, beside, several = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (ini,) = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    files = {
        "pytest.ini": ini,
        "hooks/game.py": script,
        "tests/test_game.py": "\n\n".join(tests),
        "hooks/test_beside.py": beside,
        "tests/test_several.py": several,
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, f"{len(tests) + 2} passed" in done.stdout) == (0, True), done.stdout
