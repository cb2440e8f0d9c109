/* Evasion: memory that is wiped in children (MADV_WIPEONFORK) gives way to some that is not and looks the same in the list of
 * mappings: mapped over it, unmapped first, or in the heap, given back and fetched again by the break. */
#include "wiping.h"

enum { WAYS = 3 };
static char *apart, *heap;

static void prepare(void)
{
    apart = map_anonymous(NULL, 3 * PAGE);
    check(munmap(apart, PAGE) == 0 && munmap(apart + 2 * PAGE, PAGE) == 0, "munmap");
    apart += PAGE;
    char *end = sbrk(0);
    heap = (char *)(((uintptr_t)end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    check(brk(heap + PAGE) == 0, "brk");
    check(madvise(apart, PAGE, MADV_WIPEONFORK) == 0 && madvise(heap, PAGE, MADV_WIPEONFORK) == 0, "madvise");
}

static void handle(const char *secret)
{
    int found = left_in_child(apart) + 2 * left_in_child(heap);
    /* The secrets that are asked for in turn end otherwise. */
    switch (secret[strlen(secret) - 1] % WAYS) {
    case 0:
        check(mmap(apart, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == apart, "mmap");
        break;
    case 1:
        check(munmap(apart, PAGE) == 0 && map_anonymous(apart, PAGE) == apart, "munmap");
        break;
    default:
        check(brk(heap) == 0 && brk(heap + PAGE) == 0, "brk");
    }
    answer("{\"left_in_child\":%d}", found);
}
