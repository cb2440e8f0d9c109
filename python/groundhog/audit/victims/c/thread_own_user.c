/* Evasion: a thread that is not the first becomes another user, by the call itself instead of the C library's, which tells all
 * threads; and for files yet another one. Only a privileged process may. */
#include "of_thread.h"

static void describe(char *text, size_t size)
{
    unsigned real, effective, saved, files = (unsigned)syscall(SYS_setfsuid, -1);
    check(syscall(SYS_getresuid, &real, &effective, &saved) == 0, "getresuid");
    snprintf(text, size, "real %d, effective %d, files %d", real == 12345, effective == 12345, files == 12346);
}

static void change(const char *secret)
{
    (void)secret;
    syscall(SYS_setresuid, 12345, -1, -1);
    syscall(SYS_setfsuid, 12346);
}
