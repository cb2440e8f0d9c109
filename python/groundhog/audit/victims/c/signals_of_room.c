/* That a socket was full is noted for whoever is told by a signal that it has room again, and forgotten only while somebody is to be
 * told. Here nobody is any more when what waited is read, with the same flags afterwards. */
#include "victim.h"
#include <sys/socket.h>

static int ends[2], flags;
static sigset_t told;

static int signals_that_wait(void)
{
    const struct timespec none = {0};
    int count = 0;
    while (sigtimedwait(&told, NULL, &none) > 0)
        count++;
    return count;
}

static void prepare(void)
{
    sigemptyset(&told);
    sigaddset(&told, SIGIO);
    check(sigprocmask(SIG_BLOCK, &told, NULL) == 0, "SIGIO");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    flags = fcntl(ends[0], F_GETFL);
    check(fcntl(ends[0], F_SETOWN, getpid()) == 0, "F_SETOWN");
}

static void handle(const char *secret)
{
    static char bytes[PAGE];
    (void)secret;
    check(fcntl(ends[0], F_SETFL, flags | O_ASYNC) == 0 && write(ends[0], bytes, 1) == 1, "O_ASYNC");
    (void)signals_that_wait();
    check(read(ends[1], bytes, 1) == 1, "read");
    int found = signals_that_wait();
    while (write(ends[0], bytes, sizeof bytes) > 0)
        continue;
    check(errno == EAGAIN && fcntl(ends[0], F_SETFL, flags) == 0, "a socket that is full");
    while (read(ends[1], bytes, sizeof bytes) > 0)
        continue;
    answer("{\"had been full\":%s}", found > 0 ? "true" : "false");
}
