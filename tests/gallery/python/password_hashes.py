"""Hashes and keys by OpenSSL."""

import hashlib
import hmac

running = hashlib.sha256(b"since the load time")


def main(params):
    word = f"password {params['n']}".encode()
    running.update(word)
    return {
        "running": running.hexdigest(),
        "pbkdf2": hashlib.pbkdf2_hmac("sha256", word, b"salt", 1000).hex(),
        "scrypt": hashlib.scrypt(word, salt=b"salt", n=1024, r=8, p=1).hex(),
        "hmac": hmac.new(b"key", word, "sha512").hexdigest(),
    }
