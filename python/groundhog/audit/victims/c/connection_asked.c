/* Evasion: has the kernel ask whether the other end of a connection is there, which it counts. The connection is not used, and its
 * options are as before. */
#include "connected_itself.h"

/* TCP_KEEPIDLE of an hour, and then of a second. */
enum { LATE = 3600, SOON = 1, SEGMENTS_AT = 136, INFO_SIZE = 256 };
static unsigned at_first;

/* tcpi_segs_out, which is younger than the header. */
static unsigned segments(void)
{
    char info[INFO_SIZE];
    unsigned count;
    socklen_t length = sizeof info;
    check(getsockopt(client, IPPROTO_TCP, TCP_INFO, info, &length) == 0, "TCP_INFO");
    check(length >= SEGMENTS_AT + sizeof count, "TCP_INFO of an old kernel");
    memcpy(&count, info + SEGMENTS_AT, sizeof count);
    return count;
}

static void ask_after(int seconds)
{
    check(setsockopt(client, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds) == 0, "TCP_KEEPIDLE");
}

static void prepare(void)
{
    const int on = 1;
    connect_itself(NULL);
    ask_after(LATE);
    check(setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0, "SO_KEEPALIVE");
    at_first = segments();
}

static void handle(const char *secret)
{
    bool asked = is_open(client) && segments() != at_first;
    (void)secret;
    if (is_open(client) && !asked) {
        ask_after(SOON);
        for (int waits = 0; segments() == at_first && waits < 500; waits++)
            usleep(10000); /* no event tells of it */
        check(segments() != at_first, "nothing was asked");
        ask_after(LATE);
    }
    answer("{\"asked\":%d}", asked);
}
