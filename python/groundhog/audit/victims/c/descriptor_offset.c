/* A descriptor of the snapshot whose file offset a request moves. */
#include "descriptor_kept.h"

static void prepare(void)
{
    static char bytes[PAGE];
    char path[256];
    int fd = temporary_file(path);
    write_all(fd, bytes, sizeof bytes);
    close(fd);
    keep(open(path, O_RDONLY));
    unlink(path);
}

static void handle(const char *secret)
{
    char byte;
    (void)secret;
    long found = lseek(KEPT, 0, SEEK_CUR);
    check(read(KEPT, &byte, 1) >= 0, "read");
    answer("{\"offset\":%ld}", found);
}
