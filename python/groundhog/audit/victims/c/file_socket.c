/* Leaves a socket with a name in a file system. */
#include "files.h"

#include <sys/socket.h>
#include <sys/un.h>

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%.80s/%s", folder, secret);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0, "bind");
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
