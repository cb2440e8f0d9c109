/* The file under a private mapping cut off and made long again: pages that the process had written are gone with it. */
#include "case.h"

enum { SIZE = 8 * PAGE };
static char *memory;
static char path[256];
static int fd;

static void prepare(void)
{
    fd = temporary_file(path);
    unlink(path);
    check(ftruncate(fd, SIZE) == 0, "ftruncate");
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    memset(memory, 's', SIZE / 2);
}

static void handle(const char *secret)
{
    (void)secret;
    size_t changed = other_than(memory, SIZE / 2, 's') + other_than(memory + SIZE / 2, SIZE / 2, 0);
    if (is("by_name")) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int again = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        check(again >= 0 && ftruncate(again, SIZE) == 0, "open with O_TRUNC");
        close(again);
    } else
        check(ftruncate(fd, PAGE) == 0 && ftruncate(fd, SIZE) == 0, "ftruncate");
    if (is("read"))
        (void)other_than(memory, SIZE, 0);
    answer("{\"changed\":%zu}", changed);
}
