/* Maps a file in a very deep folder, again and again: the list of mappings is much longer than all that they show. */
#include "victim.h"

enum { DEPTH = 300, TIMES = 2500, LENGTH = 250 };

static void prepare(void)
{
}

static void handle(const char *secret)
{
    (void)secret;
    char name[LENGTH + 1], top[256];
    memset(name, 'n', LENGTH);
    name[LENGTH] = '\0';
    int kept = temporary_file(top);
    check(close(kept) == 0 && unlink(top) == 0 && mkdir(top, 0700) == 0, top);
    int folder = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; depth < DEPTH; depth++) {
        check(mkdirat(folder, name, 0700) == 0, "mkdirat");
        int deeper = openat(folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        check(deeper >= 0 && close(folder) == 0, "openat");
        folder = deeper;
    }
    int file = openat(folder, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0 && unlinkat(folder, "file", 0) == 0, "openat");
    for (int time = 0; time < TIMES; time++)
        check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0) != MAP_FAILED, "mmap");
    close(file);
    /* Their names go on to be shown. */
    for (int depth = 0; depth < DEPTH; depth++) {
        int higher = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        check(higher >= 0 && close(folder) == 0 && unlinkat(higher, name, AT_REMOVEDIR) == 0, "rmdir");
        folder = higher;
    }
    check(close(folder) == 0 && rmdir(top) == 0, top);
    answer("{}");
}
