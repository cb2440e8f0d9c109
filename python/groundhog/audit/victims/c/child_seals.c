/* Evasion: a child seals a memfd whose descriptor the function has closed. */
#include "child.h"

static void prepare(void)
{
    open_twice(memfd_create("sealed later", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

static void act(const char *secret)
{
    (void)secret;
    (void)!fcntl(ACTED, F_ADD_SEALS, F_SEAL_GROW);
}

static void handle(const char *secret)
{
    int seals = fcntl(SEEN, F_GET_SEALS);
    by_child(act, secret);
    answer("{\"seals\":%d}", seals);
}
