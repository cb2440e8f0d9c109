/* Flags of a descriptor of the snapshot: O_APPEND and O_NONBLOCK of the open file, close-on-exec of the number. */
#include "descriptor_kept.h"

static void prepare(void)
{
    keep(memfd_create("state", 0));
}

static void handle(const char *secret)
{
    (void)secret;
    int flags = fcntl(KEPT, F_GETFL), own = fcntl(KEPT, F_GETFD);
    check(fcntl(KEPT, F_SETFL, flags | O_APPEND | O_NONBLOCK) == 0 && fcntl(KEPT, F_SETFD, 0) == 0, "fcntl");
    answer("{\"append\":%d,\"nonblock\":%d,\"cloexec\":%d}", !!(flags & O_APPEND), !!(flags & O_NONBLOCK), own);
}
