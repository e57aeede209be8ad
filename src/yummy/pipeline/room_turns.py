"""The turns of the rooms that a message concerns: taken before its pre hooks, given back when it has ended."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from yummy.core.work import Rule, Work, room_turn
from yummy.pipeline.steps import Steps
from yummy.pipeline.turns import Turns, Withdrawn
from yummy.pipeline.unit import Key, Table


def room_keys(room_ids: Iterable[str]) -> set[Key]:
    """The keys of rooms' turns."""
    return {(Table.ROOM, room_id) for room_id in room_ids}


def rooms_are_free(turns: Turns, work: Work, rule: Rule, model: Any) -> bool:
    """Whether nobody has the turn of any of a message's rooms."""
    return turns.free(room_keys(rule.rooms(work, model)))


def take_free_rooms(turns: Turns, work: Work, rule: Rule, model: Any) -> bool:
    """Take the turns of a message's rooms if nobody has any of them; whether they were taken."""
    wanted = room_keys(rule.rooms(work, model))
    if not turns.free(wanted):
        return False
    for key in wanted:
        turns.take_free(key, work.uow)
    work.uow.held |= wanted
    return True


def take_rooms(turns: Turns, work: Work, rule: Rule, model: Any) -> Steps[None]:
    """Take the turns of a message's rooms in the order of their ids; look again once held, and repeat for more.

    Raises:
        Withdrawn: Meanwhile the message was told to wait no longer.
    """
    uow = work.uow
    wanted = room_keys(rule.rooms(work, model))
    while not wanted <= uow.held:
        if uow.held:
            release_rooms(turns, work)
        for key in wanted if len(wanted) == 1 else sorted(wanted, key=lambda key: key[1]):
            yield partial(turns.queue, key, uow)
            uow.held.add(key)
            if uow.withdrawn:
                # Between the end of its wait and now.
                raise Withdrawn
        if rule.rooms is room_turn:
            return  # the room that a message names stays the same
        wanted |= room_keys(rule.rooms(work, model))


def release_rooms(turns: Turns, work: Work) -> None:
    """Give back all turns that a message still holds."""
    uow = work.uow
    held = turns.held
    for key in uow.held:
        if held.get(key) is uow:
            turns.release(key)
    uow.held.clear()
