/* Evasion: a memfd that is open for reading only, written and made longer through another opening. */
#include "open_files.h"

static int file;

static void prepare(void)
{
    int writable = memfd_create("read only", MFD_CLOEXEC);
    check(writable >= 0 && write(writable, "clean", 5) == 5, "memfd_create");
    file = reopen(writable, O_RDONLY);
    check(file >= 0 && close(writable) == 0, "reopen");
}

static void handle(const char *secret)
{
    char found[SECRET_SIZE] = "";
    check(pread(file, found, sizeof found - 1, 0) >= 0, "pread");
    int again = reopen(file, O_RDWR);
    if (again >= 0) {
        (void)!pwrite(again, secret, strlen(secret), 0);
        close(again);
    }
    answer("{\"found\":\"%s\"}", found);
}
