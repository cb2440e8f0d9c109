/* Evasion: a child that its parent waits for (CLONE_VM, CLONE_VFORK) maps, protects and writes the memory that both have. */
#include "victim.h"

enum { SIZE = 4 * PAGE };
static char *const place = (char *)0x260000000000;
static char *closed, *written;
static char stack[64 << 10];

static void prepare(void)
{
    closed = map_anonymous(NULL, 2 * SIZE);
    written = closed + SIZE;
    memset(closed, 's', 2 * SIZE);
    check(mprotect(closed, SIZE, PROT_READ) == 0, "mprotect");
}

static int work(void *secret)
{
    char *mapped = mmap(place, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    leave(mapped, SIZE, secret);
    leave(written + PAGE, PAGE, secret);
    mprotect(closed, SIZE, PROT_READ | PROT_WRITE);
    leave(closed, SIZE, secret);
    mprotect(closed, SIZE, PROT_NONE);
    return 0;
}

static void handle(const char *secret)
{
    int status;
    bool mapped = is_mapped(place, SIZE);
    char found[5];
    memcpy(found, permissions(closed), sizeof found);
    size_t changed = other_than(written, SIZE, 's');
    if (found[0] == 'r')
        changed += other_than(closed, SIZE, 's');
    pid_t child = clone(work, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)secret);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"mapped\":%d,\"closed\":\"%s\",\"changed\":%zu}", mapped, found, changed);
}
