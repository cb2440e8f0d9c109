/* Writes through a descriptor that was open before the snapshot: no file is opened for it. */
#include "files.h"

static int log_fd;

static void prepare(void)
{
    prepare_files();
    log_fd = open(in_folder("kept"), O_WRONLY | O_APPEND | O_CLOEXEC);
    check(log_fd >= 0, "open");
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    write_all(log_fd, secret, strlen(secret));
    answer("{\"seen\":\"%s\"}", seen);
}
