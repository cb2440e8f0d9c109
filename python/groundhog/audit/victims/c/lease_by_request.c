/* A lease that a request takes on a file that the function has open. */
#include "open_files.h"

static int file;

static void prepare(void)
{
    char path[256];
    int writable = temporary_file(path);
    close(writable);
    file = open(path, O_RDONLY | O_CLOEXEC);
    check(file >= 0, path);
}

static void handle(const char *secret)
{
    int lease = fcntl(file, F_GETLEASE);
    (void)secret;
    (void)!fcntl(file, F_SETLEASE, F_RDLCK);
    answer("{\"lease\":%d}", lease);
}
