"""The bounds of the hook engine as the settings say them; the same for a server and for a check."""

from yummy.hooks.calls import HookLimits
from yummy.settings import Settings


def hook_limits(settings: Settings) -> HookLimits:
    """The bounds of the hook engine as it is set up."""
    return HookLimits(
        queue=settings.hook_queue,
        load_timeout=settings.hook_load_timeout,
        timeout=settings.hook_timeout,
        abandon_after=settings.hook_abandon_after,
        max_abandoned=settings.hook_max_abandoned,
        max_user_meta=settings.max_user_meta,
        max_room_meta=settings.max_room_meta,
        max_depth=settings.max_depth,
        state_bytes=settings.hook_state_bytes,
        host_calls=settings.hook_host_calls,
        sandbox=settings.hook_sandbox,
        debug=settings.debug_hooks,
    )
