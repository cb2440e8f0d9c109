/* A descriptor of the snapshot that a request closes, so that another file gets its number. */
#include "case.h"
#include <sys/sysmacros.h>

static int number;

static void prepare(void)
{
    number = open("/dev/null", O_RDONLY | O_CLOEXEC);
    check(number >= 0, "open");
}

static void handle(const char *secret)
{
    struct stat found;
    (void)secret;
    check(fstat(number, &found) == 0, "fstat");
    check(close(number) == 0 && open("/dev/zero", O_RDONLY | O_CLOEXEC) == number, "open");
    answer("device %u", minor(found.st_rdev));
}
