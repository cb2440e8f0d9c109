/* What the victims share that spoil one descriptor of the snapshot, number 9. */
#include "victim.h"

enum { KEPT = 9 };

static void keep(int fd)
{
    check(fd >= 0 && dup3(fd, KEPT, O_CLOEXEC) == KEPT, "dup3");
    close(fd);
}
