/* Writes as many bytes as there were into a file of the snapshot, and sets its times back. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    int fd = open(in_folder("kept"), O_WRONLY | O_CLOEXEC);
    check(fd >= 0, "open");
    check(pwrite(fd, secret, 8, 0) == 8, "pwrite");
    struct timespec times[2] = {kept_at, kept_at};
    check(futimens(fd, times) == 0 || errno == EPERM, "futimens");
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
