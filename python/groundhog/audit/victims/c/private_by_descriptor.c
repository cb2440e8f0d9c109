/* Evasion: an object in memory that is mapped privately, written through its descriptor: pages that nobody had written show it. */
#include "victim.h"

enum { SIZE = 8 * PAGE };
static char *mapped;
static int object;

static void prepare(void)
{
    static char bytes[SIZE];
    object = memfd_create("victim", MFD_CLOEXEC);
    check(object >= 0, "memfd_create");
    memset(bytes, 'f', sizeof bytes);
    write_all(object, bytes, sizeof bytes);
    mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, object, 0);
    check(mapped != MAP_FAILED, "mmap");
    memset(mapped, 's', SIZE / 2);
}

static void handle(const char *secret)
{
    size_t found = other_than(mapped, SIZE / 2, 's') + other_than(mapped + SIZE / 2, SIZE / 2, 'f');
    for (off_t at = 0; at < SIZE; at += PAGE) {
        ssize_t written = pwrite(object, secret, strlen(secret), at);
        check(written > 0 || errno == EPERM, "pwrite");
    }
    answer("{\"changed\":%zu}", found);
}
