/* Evasion: written, and made to look clean by a userfaultfd from its device, where a user may open that. */
#include "hidden.h"

static void handle(const char *secret)
{
    size_t found = other_than(hidden, SIZE, 's');
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    int faults = ready(device < 0 ? own_faults() : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
    leave(hidden + PAGE, PAGE, secret);
    protect(faults);
    close(faults);
    close(device);
    answer("{\"changed\":%zu}", found);
}
