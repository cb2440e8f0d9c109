/* Evasion: a file's pages, mapped for reading only, were writable for a moment: the kernel goes on counting them as the process's
 * own, which one flag shows. Every mapping of code has room for such a bit. */
#include "mappings.h"

enum { SIZE = 4 * PAGE };
static char *mapped;

static void prepare(void)
{
    static char bytes[SIZE];
    char path[256];
    int file = temporary_file(path);
    memset(bytes, 'f', sizeof bytes);
    write_all(file, bytes, sizeof bytes);
    mapped = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, file, 0);
    check(mapped != MAP_FAILED, "mmap");
    close(file);
    unlink(path);
}

static void handle(const char *secret)
{
    bool found = has_flag(mapped, "ac");
    size_t changed = other_than(mapped, SIZE, 'f');
    (void)secret;
    check(mprotect(mapped, SIZE, PROT_READ | PROT_WRITE) == 0 && mprotect(mapped, SIZE, PROT_READ) == 0, "mprotect");
    answer("{\"accounted\":%d,\"changed\":%zu}", found, changed);
}
