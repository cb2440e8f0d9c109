"""A TLS handshake in memory, with a key that the request makes."""

import ssl


def main(params):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(received, sent, server_hostname=f"shop-{params['n']}.example")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        hello = sent.read()
    return {"random": hello[11:43].hex(), "names_the_server": f"shop-{params['n']}.example".encode() in hello}
