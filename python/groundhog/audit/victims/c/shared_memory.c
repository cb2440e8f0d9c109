/* Shared memory that only this process has: anonymous, and a memfd written through its mapping and through its fd. */
#include "victim.h"

enum { SIZE = 8 * PAGE };
static char *anonymous, *mapped;
static int memfd;

static void prepare(void)
{
    anonymous = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memfd = memfd_create("victim", MFD_CLOEXEC);
    check(anonymous != MAP_FAILED && memfd >= 0 && ftruncate(memfd, SIZE) == 0, "shared memory");
    mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    check(mapped != MAP_FAILED, "mmap of a memfd");
    memset(anonymous, 's', SIZE / 2);
    memset(mapped, 's', SIZE / 2);
}

static size_t look(const char *memory)
{
    return other_than(memory, SIZE / 2, 's') + other_than(memory + SIZE / 2, SIZE / 2, 0);
}

static void handle(const char *secret)
{
    size_t in_anonymous = look(anonymous), in_memfd = look(mapped);
    leave(anonymous + PAGE, PAGE, secret);
    leave(mapped + PAGE, PAGE, secret);
    check(pwrite(memfd, secret, strlen(secret), 6 * PAGE) == (ssize_t)strlen(secret), "pwrite to a memfd");
    answer("{\"anonymous\":%zu,\"memfd\":%zu}", in_anonymous, in_memfd);
}
