/* Evasion: behind the end of mapped files lies something since before the snapshot. What makes such a file shorter again has the kernel
 * write zeros there. One of them is open. */
#include "victim.h"

enum { FILES = 2, SIZE = 5000, PLACE = 6000, BEHIND = 7000 };

static char paths[FILES][256];
static char *maps[FILES];
static int kept;

static void prepare(void)
{
    static const char zeros[SIZE];
    for (int at = 0; at < FILES; at++) {
        int fd = temporary_file(paths[at]);
        write_all(fd, zeros, SIZE);
        maps[at] = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        check(maps[at] != MAP_FAILED, "mmap");
        maps[at][PLACE] = 'a';
        if (at == 0)
            kept = fd;
        else
            close(fd);
    }
}

static void handle(const char *secret)
{
    bool is_there[FILES];
    for (int at = 0; at < FILES; at++) {
        is_there[at] = maps[at][PLACE] == 'a';
        int fd = at == 0 ? kept : open(paths[at], O_RDWR | O_CLOEXEC);
        check(fd >= 0, "open");
        if (secret[strlen(secret) - 1] % 2 == 0) {
            check(pwrite(fd, secret, 1, BEHIND) == 1, "pwrite");
        } else {
            maps[at][PLACE] = 'b';
        }
        if (at > 0)
            close(fd);
    }
    answer("{\"first\":%d,\"second\":%d}", is_there[0], is_there[1]);
}
