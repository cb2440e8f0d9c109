/* Evasion: a private file mapping is unmapped and another file of the same size, or anonymous memory, takes its place. */
#include "victim.h"

enum { SIZE = 4 * PAGE };
static char *mapping;
static int second_fd;

static int make(char byte)
{
    char bytes[SIZE], path[256];
    int fd = temporary_file(path);
    memset(bytes, byte, sizeof bytes);
    write_all(fd, bytes, sizeof bytes);
    return fd;
}

static void prepare(void)
{
    int fd = make('f'); /* closed: a mapping of an opening that has a descriptor is not mapped anew */
    second_fd = make('g');
    mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(mapping != MAP_FAILED && close(fd) == 0, "mmap");
    mapping[0] = 's';
}

static void handle(const char *secret)
{
    size_t found = (mapping[0] != 's') + other_than(mapping + 1, SIZE - 1, 'f');
    int flags = MAP_PRIVATE | MAP_FIXED, fd = second_fd;
    if (secret[strlen(secret) - 1] % 2) {
        flags |= MAP_ANONYMOUS;
        fd = -1;
    }
    check(mmap(mapping, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0) == mapping, "mmap over it");
    leave(mapping + PAGE, PAGE, secret);
    answer("{\"changed\":%zu}", found);
}
