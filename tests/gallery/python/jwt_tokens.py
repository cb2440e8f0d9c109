"""Tokens that are signed by a key of the load time."""

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519

key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def main(params):
    token = jwt.encode({"customer": params["n"]}, key, algorithm="EdDSA")
    return {"token": token, "claims": jwt.decode(token, key.public_key(), algorithms=["EdDSA"])}
