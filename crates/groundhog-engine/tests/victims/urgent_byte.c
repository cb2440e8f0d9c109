/* A pair in which bytes waited at the snapshot, or none; a request sends one more, out of band, and may read past it. */
#include "case.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

static int ends[2];

static void prepare(void)
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    if (is("waiting"))
        write_all(ends[0], "waiting", 7);
}

static void handle(const char *secret)
{
    char found[64] = "", urgent = '-';
    int waiting;
    ssize_t count = recv(ends[1], found, sizeof found - 1, MSG_PEEK);
    ssize_t out_of_band = recv(ends[1], &urgent, 1, MSG_OOB | MSG_PEEK);
    check((count >= 0 || errno == EAGAIN || errno == EINVAL) && ioctl(ends[1], FIONREAD, &waiting) == 0, "looking");
    ssize_t sent = send(ends[0], &secret[strlen(secret) - 1], 1, MSG_OOB);
    if (is("passed"))
        while (recv(ends[1], &urgent, 1, 0) >= 0)
            continue;
    answer("%d wait: %s; out of band %zd: %c%s", waiting, found, out_of_band, urgent, sent < 0 ? "; not sent" : "");
}
