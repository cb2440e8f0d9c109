/* Opens a file in one request and locks it in a later one: only a snapshot in between makes it one of the snapshot's. */
#include "case.h"
#include <sys/file.h>

static int file = -1;

static void prepare(void) {}

static void handle(const char *secret)
{
    char path[256];
    (void)secret;
    if (file < 0) {
        /* Beyond the numbers that it has had so far. */
        int made = temporary_file(path);
        unlink(path);
        file = fcntl(made, F_DUPFD_CLOEXEC, 70);
        close(made);
        answer("opened");
        return;
    }
    check(flock(file, LOCK_EX) == 0, "flock");
    answer("locked");
}
