/* Reading a memfd leaves the time in it, even from a descriptor that may only read. */
#include "open_files.h"

static int file;
static struct timespec read_at;

static void prepare(void)
{
    char byte;
    int writable = memfd_create("read", MFD_CLOEXEC);
    struct stat found;
    check(writable >= 0 && write(writable, "x", 1) == 1, "memfd_create");
    file = reopen(writable, O_RDONLY);
    check(file >= 0 && pread(file, &byte, 1, 0) == 1 && fstat(file, &found) == 0, "pread");
    close(writable);
    read_at = found.st_atim;
}

static void handle(const char *secret)
{
    char byte;
    struct stat found;
    (void)secret;
    check(fstat(file, &found) == 0, "fstat");
    long later = found.st_atim.tv_sec != read_at.tv_sec || found.st_atim.tv_nsec != read_at.tv_nsec;
    /* The clock of files goes by ticks. */
    struct timespec tick = {.tv_nsec = 11000000};
    nanosleep(&tick, NULL);
    check(pread(file, &byte, 1, 0) == 1, "pread");
    answer("{\"read\":%ld}", later);
}
