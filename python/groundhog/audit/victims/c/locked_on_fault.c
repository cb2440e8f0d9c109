/* Evasion: locked memory of the snapshot locked anew, for pages once they are touched (MLOCK_ONFAULT): as much is locked as
 * before, only a flag differs. */
#include "mappings.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

enum { SIZE = 4 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = map_alone(SIZE, PROT_READ | PROT_WRITE);
    check(mlock(memory, SIZE) == 0, "mlock");
}

static void handle(const char *secret)
{
    bool found = has_flag(memory, "lf"), locked = has_flag(memory, "lo");
    (void)secret;
    check(syscall(SYS_mlock2, memory, SIZE, MLOCK_ONFAULT) == 0 || errno == EPERM || errno == ENOSYS, "mlock2");
    answer("{\"on_fault\":%d,\"locked\":%d}", found, locked);
}
