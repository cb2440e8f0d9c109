/* Evasion: a child sets by its parent's files under /proc what the parent could. */
#include "attributes.h"

static void put(pid_t process, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    /* Only a privileged process sets the slack of another one. */
    check(file >= 0 && (write(file, text, strlen(text)) == (ssize_t)strlen(text) || errno == EPERM), path);
    close(file);
}

static void get(const char *name, char line[64])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/%s", name);
    FILE *file = fopen(path, "re");
    check(file != NULL && fgets(line, 64, file) != NULL, path);
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

static void describe(char *text, size_t size)
{
    char score[64], filter[64], slack[64];
    get("oom_score_adj", score);
    get("coredump_filter", filter);
    get("timerslack_ns", slack);
    snprintf(text, size, "score %s, filter %s, slack %d", score, filter, atoi(slack) == 54321);
}

static void change(const char *secret)
{
    int status;
    (void)secret;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        put(parent, "oom_score_adj", "345");
        put(parent, "coredump_filter", "0x7f");
        put(parent, "timerslack_ns", "54321");
        _exit(0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
}
