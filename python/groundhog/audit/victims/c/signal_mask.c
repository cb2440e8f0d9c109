/* Which signals a signalfd of the snapshot takes. */
#include "open_files.h"
#include <sys/signalfd.h>

static int taken;

static void prepare(void)
{
    sigset_t none;
    sigemptyset(&none);
    taken = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
    check(taken >= 0, "signalfd");
}

static void handle(const char *secret)
{
    char line[256];
    sigset_t some;
    fdinfo(taken, "sigmask", line);
    sigemptyset(&some);
    sigaddset(&some, SIGRTMIN + number_in(secret) % 16);
    (void)!signalfd(taken, &some, SFD_CLOEXEC | SFD_NONBLOCK);
    answer("{\"takes\":\"%s\"}", line);
}
