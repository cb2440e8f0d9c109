/* Evasion: written, and made to look clean by a userfaultfd(2) of its own. */
#include "hidden.h"

static void handle(const char *secret)
{
    size_t found = other_than(hidden, SIZE, 's');
    int faults = ready(own_faults());
    leave(hidden + PAGE, PAGE, secret);
    protect(faults);
    close(faults);
    answer("{\"changed\":%zu}", found);
}
