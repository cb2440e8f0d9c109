/* What the victims share that connect a TCP socket by sending (MSG_FASTOPEN) instead of connect(2). */
#include <netinet/tcp.h>

/* Connects it to a listener of its own that goes again; the accepted end sends the secret back, and is left to whoever
 * closes it. */
static void open_fast(int fd, const char *secret)
{
    struct sockaddr_in address = on_loopback(0);
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(listening >= 0 && bind(listening, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(listen(listening, 1) == 0, "listen");
    check(getsockname(listening, (struct sockaddr *)&address, &length) == 0, "getsockname");
    int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
    if (sendto(fd, secret, strlen(secret), flags, (struct sockaddr *)&address, sizeof address) > 0) {
        int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        check(accepted >= 0, "accept");
        (void)!send(accepted, secret, strlen(secret), MSG_NOSIGNAL);
    }
    close(listening);
}
