/* Reading a file without a name leaves the time in it, at least after the same contents have been written. */
#include "read_times.h"

static void prepare(void)
{
    for (int at = 0; at < 2; at++) {
        char path[256];
        files[at] = temporary_file(path);
        unlink(path);
        fill(files[at]);
    }
}
