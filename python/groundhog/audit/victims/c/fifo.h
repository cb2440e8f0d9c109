/* A pipe with a name, open as `flags` say; where its file system keeps its times. Its name is gone: it is reached through
 * /proc. */
#include "open_files.h"

static int named_pipe(int flags)
{
    char path[256];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "/dev/shm/pipe-%d", (int)getpid());
    if (mkfifo(path, 0600) != 0) { /* by Landlock only a folder of its own */
        snprintf(path, sizeof path, "%s/pipe-%d", folder != NULL ? folder : "/tmp", (int)getpid());
        check(mkfifo(path, 0600) == 0, "mkfifo");
    }
    int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
    check(fd >= 0 && unlink(path) == 0, path);
    return fd;
}
