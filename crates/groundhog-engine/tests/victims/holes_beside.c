/* A file in memory of which a part is mapped, and the rest a hole: a request writes there, or only looks at it. */
#include "case.h"

enum { PAGES = 64, MAPPED = 4, BESIDE = 20 };
static int file;
static int shares;
static const char *way;

static void prepare(void)
{
    way = arguments[1];
    shares = strcmp(arguments[2], "shared") == 0 ? MAP_SHARED : MAP_PRIVATE;
    file = memfd_create("holes", MFD_CLOEXEC);
    check(file >= 0 && ftruncate(file, PAGES * PAGE) == 0, "memfd");
    write_all(file, "at its beginning", 16);
    check(mmap(NULL, MAPPED * PAGE, PROT_READ | PROT_WRITE, shares, file, 0) != MAP_FAILED, "mmap");
}

static void handle(const char *secret)
{
    struct stat stat;
    check(fstat(file, &stat) == 0, "fstat");
    long data = lseek(file, MAPPED * PAGE, SEEK_DATA);
    if (strcmp(way, "written") == 0) {
        check(pwrite(file, secret, strlen(secret), BESIDE * PAGE) > 0, "pwrite");
    } else {
        volatile char *beside = mmap(NULL, PAGE, PROT_READ, shares, file, BESIDE * PAGE);
        check(beside != MAP_FAILED, "mmap");
        (void)beside[0];
        check(munmap((void *)beside, PAGE) == 0, "munmap");
    }
    answer("data from %ld, %ld blocks", data, (long)stat.st_blocks);
}
