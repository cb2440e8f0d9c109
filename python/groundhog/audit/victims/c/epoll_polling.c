/* How long an epoll set of the snapshot polls busily. */
#include "open_files.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>

struct parameters {
    uint32_t microseconds;
    uint16_t budget;
    uint8_t prefer, padding;
};
enum { SET = (int)_IOW(0x8A, 1, struct parameters), GET = (int)_IOR(0x8A, 2, struct parameters) };

static int set;

static void prepare(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    check(set >= 0, "epoll_create1");
}

static void handle(const char *secret)
{
    struct parameters found = {0}, other = {.microseconds = 1000 + (uint32_t)number_in(secret), .budget = 7};
    check(ioctl(set, (unsigned)GET, &found) == 0, "EPIOCGPARAMS");
    (void)!ioctl(set, (unsigned)SET, &other);
    answer("{\"polls\":%u}", found.microseconds);
}
