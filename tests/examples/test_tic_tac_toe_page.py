"""The page in a real browser, opened from the disk, against the real server."""

# ruff: noqa: RUF001  # the page writes apostrophes as books do

import base64
import shutil
from itertools import count
from pathlib import Path

import msgpack
import pytest
from playwright.sync_api import Page, expect, sync_playwright

PAGE = Path(__file__).parents[2] / "examples" / "tic_tac_toe" / "index.html"
_names = count(1)

# Lets a test cut the page's connection, and keep it from coming back.
_SOCKETS = """
  const Real = WebSocket;
  window.sockets = [];
  window.unplugged = false;
  window.WebSocket = class extends Real {
    constructor(url) {
      super(window.unplugged ? "ws://127.0.0.1:1" : url);
      window.sockets.push(this);
    }
  };
"""


# Longer than the server waits for who has gone.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("these tests need the program chromium on the PATH (.ci/setup installs it)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield running
        running.close()


@pytest.fixture
def visit(browser, server):
    """Open the page as somebody new; at the end, no page may have had an error."""
    contexts, errors = [], []

    def open_page(path=PAGE, **query: str) -> Page:
        context = browser.new_context(viewport={"width": 390, "height": 780})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(_SOCKETS)
        address = {"server": server.url, **query}
        page.goto(path.as_uri() + "?" + "&".join(f"{name}={value}" for name, value in address.items()))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def two(visit):
    """Ann and Bob, at a table that Ann opened."""
    # A name of its own, because tests share the server's lobby.
    ann_name = f"Ann {next(_names)}"
    ann, bob = visit(), visit()
    enter(ann, ann_name)
    ann.get_by_role("button", name="New game").click()
    says(ann, "Waiting for another player…")
    enter(bob, "Bob")
    bob.get_by_role("button", name=f"Join {ann_name}’s game").click()
    says(ann, "Your turn.")
    says(bob, f"{ann_name}’s turn.")
    return ann, bob


def enter(page, name):
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("heading", name="Open games")).to_be_visible()
    expect(page.locator("#link")).to_have_text("connected")


def says(page, text):
    expect(page.get_by_role("status")).to_have_text(text)


def cell(page, number):
    return page.locator("#board button").nth(number)


def play(first, second, cells):
    for number, chosen in enumerate(cells):
        mover, mark = (first, "X") if number % 2 == 0 else (second, "O")
        cell(mover, chosen).click()
        for page in (first, second):
            expect(cell(page, chosen)).to_have_attribute("data-mark", mark)


def test_a_game_to_the_win_and_a_rematch(two):
    ann, bob = two
    play(ann, bob, [0, 3, 1, 4, 2])
    says(ann, "You won!")
    expect(bob.get_by_role("status")).to_contain_text(" won.")
    expect(bob.locator("#board .won")).to_have_count(3)
    bob.get_by_role("button", name="Rematch").click()
    says(ann, "You won! Bob wants a rematch.")
    expect(bob.get_by_role("status")).to_contain_text("to agree to a rematch…")
    ann.get_by_role("button", name="Rematch").click()
    says(bob, "Your turn.")
    says(ann, "Bob’s turn.")
    play(bob, ann, [4])
    says(ann, "Your turn.")


def test_a_draw(two):
    ann, bob = two
    play(ann, bob, [0, 1, 2, 4, 3, 5, 7, 6, 8])
    says(ann, "It’s a draw.")
    says(bob, "It’s a draw.")


def test_the_server_says_what_is_wrong_with_a_move(two):
    ann, bob = two
    cell(bob, 0).click()
    expect(bob.get_by_role("alert")).to_have_text("It is not your turn")
    play(ann, bob, [4])
    # Forced, since Playwright takes aria-disabled for disabled; a person's click is not held back by it.
    cell(bob, 4).click(force=True)
    expect(bob.get_by_role("alert")).to_have_text("This cell is taken: choose a free one")
    cell(bob, 0).click()
    expect(cell(ann, 0)).to_have_attribute("data-mark", "O")
    expect(bob.get_by_role("alert")).to_be_hidden()


def test_a_player_who_leaves(two):
    ann, bob = two
    play(ann, bob, [4])
    bob.get_by_role("button", name="Leave").click()
    says(ann, "Bob left. The game is yours. Waiting for another player…")
    expect(bob.get_by_role("heading", name="Open games")).to_be_visible()


def test_a_player_who_closes_the_page_is_waited_for_and_then_gone(two):
    ann, bob = two
    bob.close()
    says(ann, "Bob left. The game is yours. Waiting for another player…")


def test_the_keyboard_is_enough(two):
    ann, _ = two
    cell(ann, 0).focus()
    ann.keyboard.press("ArrowDown")
    ann.keyboard.press("ArrowRight")
    expect(cell(ann, 4)).to_be_focused()
    ann.keyboard.press("Enter")
    expect(cell(ann, 4)).to_have_accessible_name("Row 2, column 2: X")
    expect(cell(ann, 4)).to_be_focused()


def test_a_lost_connection_comes_back_to_the_game(two):
    ann, bob = two
    ann.evaluate("unplugged = true; sockets.at(-1).close()")
    expect(ann.get_by_role("alert")).to_have_text("Connection lost. Trying to get it back…")
    expect(ann.locator("#link")).to_have_text("reconnecting…")
    ann.evaluate("unplugged = false")
    says(ann, "Connection restored. Your turn.")
    expect(ann.get_by_role("alert")).to_be_hidden()
    play(ann, bob, [4, 0])


def test_who_comes_back_too_late_finds_the_lobby(two):
    ann, bob = two
    bob.evaluate("unplugged = true; sockets.at(-1).close()")
    says(ann, "Bob left. The game is yours. Waiting for another player…")
    bob.evaluate("unplugged = false")
    expect(bob.get_by_role("alert")).to_have_text("You were away for too long, and your seat was given up.")
    expect(bob.get_by_role("button", name="New game")).to_be_visible()


def test_a_reloaded_page_goes_on(two):
    ann, bob = two
    play(ann, bob, [4])
    ann.reload()
    says(ann, "Bob’s turn.")
    expect(cell(ann, 4)).to_have_attribute("data-mark", "X")
    play(bob, ann, [])
    cell(bob, 0).click()
    says(ann, "Your turn.")


def test_a_server_that_is_not_there_and_a_wrong_key(visit, server):
    page = visit(server="ws://127.0.0.1:1")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "The server cannot be reached. Is a Yummy server running at ws://"
    )
    page.get_by_text("Server", exact=True).click()
    page.get_by_label("Address").fill("127.0.0.1:9090")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("alert")).to_have_text("Write the address like ws://127.0.0.1:9090.")
    page.get_by_label("Address").fill(server.url)
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#link")).to_have_text("not connected")
    expect(page.get_by_role("alert")).to_contain_text("is the key right?")
    page.get_by_label("Key").fill("YummyYummy")
    enter(page, "Ann")


def test_the_page_speaks_msgpack_as_python_does(visit):
    page = visit()
    samples = [
        None, True, False, 0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**64 - 1,
        -1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**53), -(2**63),
        0.5, -1e300, "", "ü€😀", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 65536,
        b"", b"\x00\xff", b"x" * 256, b"x" * 65536, [], [1] * 15, [1] * 16, [1] * 65536, {},
        {"__proto__": 1, "a": [{}]}, {str(key): key for key in range(16)}, {f"k{key}": key for key in range(65536)},
    ]  # fmt: skip
    packed = [base64.b64encode(msgpack.packb(sample)).decode() for sample in samples]
    again = page.evaluate(
        """(packed) => packed.map((text) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const coded = msgpack.encode(msgpack.decode(bytes.buffer));
          return Array.from(coded, (byte) => byte.toString(16).padStart(2, "0")).join("");
        })""",
        packed,
    )
    # Keys that look like numbers come first in JavaScript, so maps are compared as maps.
    assert [msgpack.unpackb(bytes.fromhex(coded)) for coded in again] == samples


@pytest.mark.parametrize("broken", ["", "c1", "92 01", "01 01", "a2 61", "d9", "a1 ff"])
def test_the_page_refuses_broken_msgpack(visit, broken):
    result = visit().evaluate(
        """(hex) => {
          const bytes = Uint8Array.from(hex.split(" ").filter(Boolean), (byte) => parseInt(byte, 16));
          try {
            return ["read", msgpack.decode(bytes.buffer)];
          } catch (error) {
            return ["refused"];
          }
        }""",
        broken,
    )
    assert result == ["refused"]
