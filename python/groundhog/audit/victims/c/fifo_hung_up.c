/* Evasion: somebody had the other end of a pipe with a name, which its reader is told for ever after. */
#include "fifo.h"
#include <poll.h>

static int fd;

static void prepare(void)
{
    fd = named_pipe(O_RDONLY);
}

static void handle(const char *secret)
{
    struct pollfd told = {.fd = fd, .events = POLLIN};
    (void)secret;
    check(poll(&told, 1, 0) >= 0, "poll");
    int other_end = reopen(fd, O_WRONLY | O_NONBLOCK);
    check(other_end >= 0, "open");
    close(other_end);
    answer("{\"told\":%d}", told.revents);
}
