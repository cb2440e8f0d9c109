/* A file in memory that is mapped and shared, of which most is a hole: a request writes there. */
#include "case.h"

enum { PAGES = 64 };
static int file;
static char *memory;

static void prepare(void)
{
    file = memfd_create("holes", MFD_CLOEXEC);
    check(file >= 0 && ftruncate(file, PAGES * PAGE) == 0, "memfd");
    write_all(file, "at its beginning", 16);
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    check(memory != MAP_FAILED, "mmap");
}

static void handle(const char *secret)
{
    char found[8] = "";
    struct stat stat;
    check(pread(file, found, sizeof found - 1, 20 * PAGE) == sizeof found - 1, "pread");
    check(fstat(file, &stat) == 0, "fstat");
    leave(memory + 20 * PAGE, PAGE, secret);
    check(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0, "fallocate");
    answer("found %s, of %ld blocks", found, (long)stat.st_blocks);
}
