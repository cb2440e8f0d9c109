/* Evasion: tracking is ended by a userfaultfd(2) of its own (Linux before 6.15 lets it), then memory is written. */
#include "hidden.h"

static void handle(const char *secret)
{
    size_t found = other_than(hidden, SIZE, 's');
    int faults = ready(own_faults());
    struct uffdio_range range = {(unsigned long)hidden, SIZE};
    ioctl(faults, UFFDIO_UNREGISTER, &range);
    leave(hidden + PAGE, PAGE, secret);
    close(faults);
    answer("{\"changed\":%zu}", found);
}
