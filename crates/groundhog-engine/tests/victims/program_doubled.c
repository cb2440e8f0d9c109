/* Shows a part of its program a second time, as V8 does with its built-in code for each thread, and takes that away in the request. If it
 * touches another one of that file, they may be of one opening, of which it could not be made again. */
#include "case.h"

enum { SIZE = 4 * PAGE };

static char *twice;

static void prepare(void)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char *room = map_anonymous(NULL, 2 * SIZE);
    check(file >= 0 && munmap(room, 2 * SIZE) == 0, "room");
    twice = mmap(room + SIZE, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0);
    check(twice != MAP_FAILED, "mmap");
    if (is("touching"))
        check(mmap(room, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) != MAP_FAILED, "mmap");
    close(file);
}

static void handle(const char *secret)
{
    (void)secret;
    int there = is_mapped(twice, SIZE);
    int begins = there && memcmp(twice, "\177ELF", 4) == 0;
    munmap(twice, SIZE);
    answer("{\"there\":%d,\"begins\":%d}", there, begins);
}
