/* Evasion: a mapping of the snapshot is unmapped, and another one, with a policy of its own, grows into its place. */
#include "memory_policy.h"

enum { SIZE = 2 * PAGE, MOST = 1000 };
static char *place;

static void prepare(void)
{
    /* Between guards, so that it is joined with nothing. */
    place = mmap(NULL, SIZE + 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(place != MAP_FAILED, "mmap");
    place += 2 * PAGE;
    check(mprotect(place, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    memset(place, 'p', SIZE);
}

/* Takes every other place where so much would be mapped. */
static void leave_one_place(void)
{
    for (int i = 0; i < MOST; i++) {
        char *found = map_anonymous(NULL, SIZE);
        if (found == place) {
            check(munmap(found, SIZE) == 0, "munmap");
            return;
        }
    }
}

static void handle(const char *secret)
{
    int found = memory_policy(place);
    (void)secret;
    check(munmap(place, SIZE) == 0, "munmap");
    leave_one_place();
    char *small = mmap((void *)0x20000000, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(small != MAP_FAILED && mprotect(small, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    syscall(SYS_mbind, small, PAGE, POLICY_PREFERRED, &first_node, 64, 0);
    check(mremap(small, PAGE, SIZE, MREMAP_MAYMOVE) == place, "mremap");
    answer("{\"policy\":%d}", found);
}
