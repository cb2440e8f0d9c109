/* Landlock without its library: a set of rules about reading files, and who may still read one. */
#include "victim.h"
#include <linux/landlock.h>

/* Under which no file can be read but those that rules allow. */
__attribute__((unused)) static int rules_without_reading(void)
{
    struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
    return (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
}

static bool can_read(void)
{
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        close(file);
    return file >= 0;
}

static int restrict_by(int rules)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? (int)syscall(SYS_landlock_restrict_self, rules, 0) : -1;
}
