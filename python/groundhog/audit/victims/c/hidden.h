/* For evasions that write memory and make it look clean: by a userfaultfd(2) of their own they protect it, as an engine does that
 * tracks writes that way. Protecting fails where nobody tracks so, or where it is refused. */
#include "victim.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

enum { SIZE = 8 * PAGE };
static char *hidden;

static void prepare(void)
{
    hidden = map_anonymous(NULL, SIZE);
    memset(hidden, 's', SIZE);
}

static int own_faults(void)
{
    return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
}

/* Makes it usable; -1 stays -1. */
static int ready(int faults)
{
    struct uffdio_api api = {.api = UFFD_API};
    if (faults >= 0)
        check(ioctl(faults, UFFDIO_API, &api) == 0, "UFFDIO_API");
    return faults;
}

__attribute__((unused)) static void protect(int faults)
{
    struct uffdio_writeprotect range = {.range = {(unsigned long)hidden, SIZE}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    ioctl(faults, UFFDIO_WRITEPROTECT, &range);
}
