/* When a pipe with a name was last written and read: newer kernels note that of these alone. */
#include "fifo.h"

static int fd;
static struct stat before;

static void prepare(void)
{
    fd = named_pipe(O_RDWR);
    check(fstat(fd, &before) == 0, "fstat");
}

static void handle(const char *secret)
{
    struct stat now;
    char byte;
    check(fstat(fd, &now) == 0, "fstat");
    bool written = memcmp(&now.st_mtim, &before.st_mtim, sizeof now.st_mtim) != 0;
    bool read_from = memcmp(&now.st_atim, &before.st_atim, sizeof now.st_atim) != 0;
    check(write(fd, secret, 1) == 1 && read(fd, &byte, 1) == 1, "the pipe");
    answer("{\"written\":%d,\"read\":%d}", written, read_from);
}
