"""Keys that are made, and a token that is encrypted by one."""

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519


def main(params):
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"order", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(signature, b"order", ec.ECDSA(hashes.SHA256()))
    public = x25519.X25519PrivateKey.generate().public_key()
    fernet = Fernet(Fernet.generate_key())
    return {
        "public": public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex(),
        "decrypted": fernet.decrypt(fernet.encrypt(b"text" * params["n"])).decode()[:4],
    }
