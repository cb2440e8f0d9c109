/* Evasion: that a file under /sys has changed is told until it is read, if only from its beginning and without moving in it. */
#include "open_files.h"
#include <poll.h>

static int fd;

static void prepare(void)
{
    fd = open("/sys/class/net/lo/operstate", O_RDONLY | O_CLOEXEC);
    check(fd >= 0, "/sys/class/net/lo/operstate");
}

static void handle(const char *secret)
{
    char text[64];
    struct pollfd told = {.fd = fd, .events = POLLPRI};
    (void)secret;
    check(poll(&told, 1, 0) >= 0 && pread(fd, text, sizeof text, 0) > 0, "reading it");
    answer("{\"told\":%d}", told.revents);
}
