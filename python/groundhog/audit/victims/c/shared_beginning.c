/* Evasion: of a file of memory only the end is mapped, and nothing is open. A request has a mapping show the beginning. */
#include "victim.h"

static char *end;

static void prepare(void)
{
    int fd = memfd_create("victim", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0, "memfd_create");
    end = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    check(end != MAP_FAILED && close(fd) == 0, "mmap");
}

static void handle(const char *secret)
{
    char *other = mremap(end, 0, PAGE, MREMAP_MAYMOVE);
    check(other != MAP_FAILED && syscall(SYS_remap_file_pages, other, PAGE, 0, 0, 0) == 0, "remap_file_pages");
    size_t changed = other_than(other, PAGE, 0);
    leave(other, PAGE, secret);
    answer("{\"changed\":%zu}", changed);
}
