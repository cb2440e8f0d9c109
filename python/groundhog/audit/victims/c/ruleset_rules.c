/* A rule added to a Landlock ruleset of the snapshot, which nobody is bound by yet. */
#include "open_files.h"
#include <linux/landlock.h>

enum { CREATE = 444, ADD, RESTRICT };

static int ruleset;

static void prepare(void)
{
    struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
    ruleset = (int)syscall(CREATE, &handled, sizeof handled, 0);
    check(ruleset >= 0, "landlock_create_ruleset");
}

/* Whether who is bound by the ruleset may read. */
static int may_read(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(RESTRICT, ruleset, 0) != 0)
            _exit(2);
        _exit(open("/proc/self/status", O_RDONLY) >= 0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "fork");
    return WEXITSTATUS(status);
}

static void handle(const char *secret)
{
    int may = may_read();
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    (void)secret;
    rule.parent_fd = open("/proc", O_PATH | O_CLOEXEC);
    check(rule.parent_fd >= 0, "/proc");
#ifdef BY_DUPLICATE
    int added_to = fcntl(ruleset, F_DUPFD_CLOEXEC, 100);
#else
    int added_to = ruleset;
#endif
    (void)!syscall(ADD, added_to, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    answer("{\"may_read\":%d}", may);
}
