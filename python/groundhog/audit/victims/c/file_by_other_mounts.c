/* Evasion: a child enters namespaces where it may mount, and leaves a file through a mount that nobody else has. */
#include "victim.h"
#include <sys/mount.h>

static char folder[256], left[300];

static void prepare(void)
{
    const char *own = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s", own != NULL ? own : "/tmp");
    snprintf(left, sizeof left, "%s/left-%d", folder, getpid());
}

/* Where it may not mount, it leaves the file by its usual name. */
static void work(void)
{
    char path[300];
    bool mounted = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && mount(folder, "/mnt", NULL, MS_BIND, NULL) == 0;
    snprintf(path, sizeof path, "%s%s", mounted ? "/mnt" : folder, strrchr(left, '/'));
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    _exit(file < 0);
}

static void handle(const char *secret)
{
    int status;
    (void)secret;
    bool found = access(left, F_OK) == 0;
    pid_t child = fork();
    if (child == 0)
        work();
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"there\":%d}", found);
}
