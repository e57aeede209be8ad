"""Tokens: signed texts that say which session of which user somebody speaks for.

JWT with HS256 (RFC 7519, RFC 7515). Of what a token says only the two ids are believed; name, e-mail and type are in
it for the client's convenience.
"""

import attrs
import jwt

from yummy.core.values import Account
from yummy.protocol.errors import ErrorCode, Refusal

_ALGORITHM = "HS256"


@attrs.frozen
class Claims:
    """What a valid token is believed to say."""

    user_id: str
    session_id: str


@attrs.frozen
class Tokens:
    """Makes and reads the tokens of this server.

    Attributes:
        secret: The key that tokens are signed with.
        lifetime: Seconds that a token is valid for.
    """

    secret: str = attrs.field(repr=False)
    lifetime: float

    def expires(self, now: float) -> int:
        """When a token made now ends, in unix seconds."""
        return int(now + self.lifetime)

    def issue(self, account: Account, session_id: str, now: float) -> str:
        """Make a token.

        Args:
            account: Whose token it is.
            session_id: The session that it speaks for.
            now: Unix seconds.
        """
        user = {
            "id": account.id,
            "session": session_id,
            "name": account.name,
            "email": account.email,
            "user_type": int(account.user_type),
        }
        claims = {"iat": int(now), "exp": self.expires(now), "user": user}
        return jwt.encode(claims, self.secret, algorithm=_ALGORITHM)

    def read(self, token: str, now: float) -> Claims:
        """Read a token.

        Args:
            token: What a client showed.
            now: Unix seconds.

        Raises:
            Refusal: It is not ours, has ended, or is no token at all.
        """
        try:
            # The clock is the caller's, so the expiry is checked below and not by the library.
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=[_ALGORITHM],
                options={"require": ["exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
            ends, user = claims["exp"], claims["user"]
            found = Claims(user_id=user["id"], session_id=user["session"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Refusal(ErrorCode.INVALID_TOKEN) from None
        if not isinstance(ends, int) or ends <= now:
            raise Refusal(ErrorCode.INVALID_TOKEN)
        return found
