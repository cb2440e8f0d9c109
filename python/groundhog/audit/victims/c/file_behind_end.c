/* Evasion: what lies behind the end of a file in its last page. A mapping shows it, and no call that reads: the file is the same in all
 * else. One file is closed at the snapshot, others are open, one of them without a name and one in memory. */
#include "victim.h"

enum { FILES = 4, CLOSED = 0, KEPT = 1, NAMELESS = 2, IN_MEMORY = 3, SIZE = 100, PLACE = 200 };

static char paths[FILES][256];
static int kept[FILES];

static void prepare(void)
{
    static char small_letters[SIZE];
    memset(small_letters, 'a', SIZE);
    for (int at = 0; at < FILES; at++) {
        kept[at] = at == IN_MEMORY ? memfd_create("behind its end", MFD_CLOEXEC) : temporary_file(paths[at]);
        check(kept[at] >= 0, "a file");
        write_all(kept[at], small_letters, SIZE);
    }
    close(kept[CLOSED]);
    check(unlink(paths[NAMELESS]) == 0, "unlink");
}

static void handle(const char *secret)
{
    size_t seen = 0, size = 0;
    for (int at = 0; at < FILES; at++) {
        int fd = at == CLOSED ? open(paths[at], O_RDWR | O_CLOEXEC) : kept[at];
        struct stat now;
        check(fstat(fd, &now) == 0, "fstat");
        size += (size_t)now.st_size;
        char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        check(page != MAP_FAILED, "mmap");
        seen += other_than(page + SIZE, PAGE - SIZE, 0);
        leave(page + PLACE, strlen(secret), secret);
        munmap(page, PAGE);
        if (at != CLOSED)
            continue;
        /* As if it had not been written. */
        const struct timespec times[] = {now.st_atim, now.st_mtim};
        (void)!futimens(fd, times);
        close(fd);
    }
    answer("{\"seen\":%zu,\"size\":%zu}", seen, size);
}
