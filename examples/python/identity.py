"""A profile service that keeps who is asking in a global.

The token is looked up once, "because it does not change during a request". A warm process serves many.
"""

USERS = {
    "token-ada": {"user": "ada", "email": "ada@example.org", "iban": "DE02 1203 0000 0000 2020 51"},
    "token-bob": {"user": "bob", "email": "bob@example.org", "iban": "FR14 2004 1010 0505 0001 3M02"},
}
current_user = None


def authenticate(token):
    global current_user
    if current_user is None:
        current_user = USERS[token]
    return current_user


def main(params):
    return {"profile": authenticate(params["token"])}
