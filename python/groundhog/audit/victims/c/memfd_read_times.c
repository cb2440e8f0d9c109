/* Reading a memfd leaves the time in it, even from a descriptor that may only read. */
#include "read_times.h"

static void prepare(void)
{
    for (int at = 0; at < 2; at++) {
        int writable = memfd_create("read", MFD_CLOEXEC);
        check(writable >= 0, "memfd_create");
        fill(writable);
        files[at] = reopen(writable, O_RDONLY);
        check(files[at] >= 0 && close(writable) == 0, "reopen");
    }
}
