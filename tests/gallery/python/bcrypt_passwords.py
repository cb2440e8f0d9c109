"""Passwords that are hashed and checked; each hash has a salt of its own."""

import bcrypt


def main(params):
    password = f"password {params['n']}".encode()
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(4))
    return {"hash": hashed.decode(), "right": bcrypt.checkpw(password, hashed)}
