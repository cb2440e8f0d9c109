/* A key in the session's keyring, which outlives what made it. */
#include "victim.h"

enum { KEYCTL_JOIN_SESSION = 1, KEYCTL_SEARCH = 10, SESSION_KEYRING = -3 };

/* A session of our own: no key is left to anybody else. */
static void prepare(void)
{
    long joined = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION, NULL);
    check(joined >= 0 || errno == ENOSYS || errno == EPERM, "keyctl");
}

static void handle(const char *secret)
{
    bool found = syscall(SYS_keyctl, KEYCTL_SEARCH, SESSION_KEYRING, "user", "victim", 0) >= 0;
    syscall(SYS_add_key, "user", "victim", secret, strlen(secret), SESSION_KEYRING);
    answer("{\"key\":%d}", found);
}
