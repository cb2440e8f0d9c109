/* Who is told of input in an open file of the snapshot. On whose behalf stays, so that it depends on the user. */
#include "descriptor_kept.h"

static void prepare(void)
{
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    keep(ends[0]);
}

static void handle(const char *secret)
{
    (void)secret;
    struct f_owner_ex owner;
    uid_t users[2] = {0, 0};
    check(fcntl(KEPT, F_GETOWN_EX, &owner) == 0, "F_GETOWN_EX");
    fcntl(KEPT, 17 /* F_GETOWNER_UIDS */, users);
    check(fcntl(KEPT, F_SETOWN, getpid()) == 0, "F_SETOWN");
    answer("{\"owned\":%d,\"type\":%d,\"user\":%u}", owner.pid != 0, owner.type, users[0]);
}
