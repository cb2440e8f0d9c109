/* The kernel numbers a socket when it is first asked for the number: whether an earlier request has asked shows in the
 * order of the numbers. */
#include "datagrams.h"

static int kept;

static uint64_t cookie(int fd)
{
    uint64_t found = 0;
    socklen_t length = sizeof found;
    check(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &found, &length) == 0, "SO_COOKIE");
    return found;
}

static void prepare(void)
{
    cpu_set_t set, one;
    /* Each processor has numbers of its own. */
    check(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &set))
            CPU_SET(cpu, &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
    kept = datagram_socket();
}

static void handle(const char *secret)
{
    static uint64_t before;
    int another = datagram_socket();
    uint64_t between = cookie(another), of_kept = cookie(kept);
    bool asked_before = of_kept < between && before == 0;
    (void)secret;
    close(another);
    answer("{\"asked_before\":%d}", asked_before);
}
