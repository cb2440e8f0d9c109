/* A rule added to a set of Landlock rules of the snapshot, which no descriptor shows: it allows what the set did not. A child
 * binds itself by the set, and tells. */
#include "landlock.h"

static int rules;

static void prepare(void)
{
    rules = rules_without_reading();
    check(rules >= 0 || errno == ENOSYS || errno == EOPNOTSUPP, "landlock_create_ruleset");
}

static void handle(const char *secret)
{
    int status;
    (void)secret;
    pid_t child = fork();
    if (child == 0)
        _exit(restrict_by(rules) == 0 && can_read());
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "a child");
    struct landlock_path_beneath_attr beneath = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
                                                 .parent_fd = open("/", O_PATH | O_CLOEXEC)};
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
    answer("{\"allowed\":%d}", WEXITSTATUS(status));
}
