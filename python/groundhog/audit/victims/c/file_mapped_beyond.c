/* Evasion: files are mapped as more than they are, as by LMDB. What is written to the first by its descriptor shows in memory
 * that cannot be written; in the last pages of the others there is room behind their ends. */
#include "victim.h"

enum { LENGTH = 1 << 30, SIZE = 5000, FILES = 3 };

static char paths[FILES][256];
static int kept;
static char *maps[FILES];

static void prepare(void)
{
    static const char zeros[SIZE];
    for (int i = 0; i < FILES; i++) {
        int fd = temporary_file(paths[i]);
        write_all(fd, zeros, SIZE);
        maps[i] = mmap(NULL, LENGTH, i == 0 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        check(maps[i] != MAP_FAILED, "mmap");
        if (i == 0)
            kept = fd;
        else if (i == 1)
            close(fd);
    }
}

static void handle(const char *secret)
{
    struct stat now[FILES];
    size_t seen = 0;
    for (int i = 0; i < FILES; i++) {
        check(stat(paths[i], &now[i]) == 0, "stat");
        seen += other_than(maps[i], 2 * PAGE, 0);
    }
    size_t length = strlen(secret);
    check(pwrite(kept, secret, length, 100) == (ssize_t)length, "pwrite");
    check(pwrite(kept, secret, length, 3 * PAGE) == (ssize_t)length, "pwrite");
    for (int i = 1; i < FILES; i++) {
        memcpy(maps[i] + 100, secret, length);
        memcpy(maps[i] + SIZE + 100, secret, length);
    }
    answer("{\"seen\":%zu,\"size\":%ld}", seen, (long)now[0].st_size);
}
