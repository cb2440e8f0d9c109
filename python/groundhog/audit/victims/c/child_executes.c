/* A child that executes another program, with the secret among its arguments and in its environment, which anybody can read under
 * /proc as long as it runs. */
#include "victim.h"
#include <dirent.h>

static char mark[64];

static void prepare(void)
{
    snprintf(mark, sizeof mark, "VICTIM_%d=", getpid());
}

/* Whether a file of a process's has the mark in it. */
static bool has_mark(const char *process, const char *name)
{
    static char text[1 << 16];
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/%s", process, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text);
    close(file);
    return length > 0 && memmem(text, (size_t)length, mark, strlen(mark)) != NULL;
}

static bool is_shown(const char *name)
{
    bool found = false;
    DIR *processes = opendir("/proc");
    check(processes != NULL, "/proc");
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;)
        found |= entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && has_mark(entry->d_name, name);
    closedir(processes);
    return found;
}

static void handle(const char *secret)
{
    static char secret_here[128];
    bool in_arguments = is_shown("cmdline"), in_environment = is_shown("environ");
    int started[2];
    char byte;
    snprintf(secret_here, sizeof secret_here, "%s%s", mark, secret);
    check(pipe2(started, O_CLOEXEC) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        if (fork() != 0)
            _exit(0);
        setsid();
        execle("/bin/sleep", secret_here, "1", NULL, (char *[]){secret_here, NULL});
        _exit(1);
    }
    check(child > 0 && waitpid(child, NULL, 0) == child && close(started[1]) == 0, "a child");
    /* It ends when the program is there. */
    check(read(started[0], &byte, 1) == 0 && close(started[0]) == 0, "the program");
    answer("{\"arguments\":%d,\"environment\":%d}", in_arguments, in_environment);
}
