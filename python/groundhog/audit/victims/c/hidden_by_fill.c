/* Evasion: pages are given back, and filled anew by a userfaultfd(2) that protects them at once, so that they look unwritten. */
#include "hidden.h"

static void handle(const char *secret)
{
    static char content[PAGE];
    size_t found = other_than(hidden, SIZE, 's');
    leave(content, PAGE, secret);
    int faults = ready(own_faults());
    check(madvise(hidden + PAGE, PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    struct uffdio_copy copy = {.dst = (unsigned long)hidden + PAGE,
                               .src = (unsigned long)content,
                               .len = PAGE,
                               .mode = UFFDIO_COPY_MODE_WP};
    /* Where nobody tracks so, or it is refused, it is written as usual. */
    if (ioctl(faults, UFFDIO_COPY, &copy) != 0)
        memcpy(hidden + PAGE, content, PAGE);
    close(faults);
    answer("{\"changed\":%zu}", found);
}
