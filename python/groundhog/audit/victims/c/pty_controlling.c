/* A terminal of the snapshot becomes the controlling one. */
#include "pty.h"

static void prepare(void)
{
    check(setsid() > 0 || getsid(0) == getpid(), "setsid");
    open_terminal();
}

static void handle(const char *secret)
{
    int controlling = open("/dev/tty", O_RDWR | O_CLOEXEC);
    (void)secret;
    if (controlling >= 0)
        close(controlling);
    (void)!ioctl(terminal, TIOCSCTTY, 0);
    answer("{\"controlling\":%d}", controlling >= 0);
}
