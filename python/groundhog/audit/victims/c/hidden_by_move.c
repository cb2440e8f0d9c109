/* Evasion: a userfaultfd(2) moves pages away (Linux 6.8), which is no write and leaves the mapping in place. */
#include "hidden.h"

struct move {
    unsigned long to, from, length, mode;
    long moved;
};
#define UFFDIO_MOVE_PAGES _IOWR(UFFDIO, 0x05, struct move)

static void handle(const char *secret)
{
    (void)secret;
    size_t found = other_than(hidden, SIZE, 's');
    char *elsewhere = map_anonymous(NULL, SIZE);
    int faults = ready(own_faults());
    struct uffdio_register range = {.range = {(unsigned long)elsewhere, SIZE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    struct move pages = {.to = (unsigned long)elsewhere, .from = (unsigned long)hidden + PAGE, .length = 2 * PAGE};
    if (ioctl(faults, UFFDIO_REGISTER, &range) != 0 || ioctl(faults, UFFDIO_MOVE_PAGES, &pages) != 0)
        check(madvise(hidden + PAGE, 2 * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    close(faults);
    answer("{\"changed\":%zu}", found);
}
