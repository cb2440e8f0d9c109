/* Evasion: every descriptor of the snapshot is closed, and others, made in their places, look the same. */
#include "descriptor_kept.h"

static void prepare(void)
{
    keep(memfd_create("state", 0));
}

static void handle(const char *secret)
{
    char found[SECRET_SIZE] = "";
    check(pread(KEPT, found, sizeof found - 1, 0) >= 0, "pread");
    answer("{\"bytes\":%zu,\"of_exec\":%d}", strlen(found), fcntl(ANSWER_FD, F_GETFD));
    check(close_range(0, ~0U, 0) == 0, "close_range");
    for (int number = 0; number <= KEPT; number++)
        check(memfd_create("state", 0) == number, "memfd_create");
    write_all(KEPT, secret, strlen(secret));
    for (;;)
        pause();
}
