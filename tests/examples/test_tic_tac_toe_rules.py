"""The rules of the example's script, without a server."""

import pytest


@pytest.fixture
def game(script):
    return script.Game(players=["ann", "bob"])


def play(game, *cells):
    for cell in cells:
        assert game.check_move(game.turn, cell) is None
        game.move(cell)


def test_a_table_waits_for_the_second_player(script):
    game = script.Game(players=["ann"])
    assert (game.status, game.turn, game.winner) == ("waiting", None, None)
    assert game.check_move("ann", 0)[1] == "waiting"


def test_the_first_player_plays_x_and_they_take_turns(game):
    assert game.turn == "ann"
    play(game, 4)
    assert game.turn == "bob"
    play(game, 0)
    assert game.turn == "ann"
    assert game.board == ["O", "", "", "", "X", "", "", "", ""]


def test_every_line_wins(script):
    for line in script.LINES:
        board = ["X" if cell in line else "" for cell in range(9)]
        game = script.Game(players=["ann", "bob"], board=board)
        assert (game.status, game.winner, game.line, game.turn) == ("won", "ann", list(line), None)


def test_the_second_player_can_win(game):
    play(game, 0, 3, 1, 4, 8, 5)
    assert (game.status, game.winner, game.line) == ("won", "bob", [3, 4, 5])


def test_a_last_move_that_fills_the_board_may_win(game):
    play(game, 0, 1, 2, 3, 4, 6, 5, 7, 8)
    assert (game.status, game.winner) == ("won", "ann")


def test_a_full_board_without_a_line_is_a_draw(game):
    play(game, 0, 1, 2, 4, 3, 5, 7, 6, 8)
    assert (game.status, game.winner, game.turn) == ("draw", None, None)


@pytest.mark.parametrize(
    ("user", "cell", "code"),
    [
        ("ann", 0, "not_your_turn"),
        ("eve", 0, "not_your_turn"),
        (None, 0, "not_your_turn"),
        ("bob", 4, "cell_taken"),
        ("bob", 9, "no_such_cell"),
        ("bob", -1, "no_such_cell"),
        ("bob", True, "no_such_cell"),
        ("bob", "0", "no_such_cell"),
        ("bob", 1.0, "no_such_cell"),
        ("bob", None, "no_such_cell"),
    ],
)
def test_illegal_moves_are_named(game, user, cell, code):
    play(game, 4)
    assert game.check_move(user, cell)[1] == code


def test_a_finished_game_takes_no_moves(game):
    play(game, 0, 3, 1, 4, 2)
    assert game.check_move("bob", 8)[1] == "game_over"


def test_a_rematch_needs_both_and_the_other_one_begins(game):
    assert game.check_rematch()[1] == "no_rematch"
    play(game, 0, 3, 1, 4, 2)
    assert game.check_rematch() is None
    assert not game.ask_rematch("ann")
    assert not game.ask_rematch("ann")
    assert game.ask_rematch("bob")
    assert (game.players, game.turn, game.board, game.rematch) == (["bob", "ann"], "bob", [""] * 9, [])
