/* A descriptor of the snapshot that a request closes. */
#include "descriptor_kept.h"

static void prepare(void)
{
    keep(open("/dev/null", O_RDONLY));
}

static void handle(const char *secret)
{
    (void)secret;
    bool open_still = fcntl(KEPT, F_GETFD) >= 0;
    close(KEPT);
    answer("{\"open\":%s}", open_still ? "true" : "false");
}
