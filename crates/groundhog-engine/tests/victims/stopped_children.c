/* Children that stop themselves, or are stopped, and go on when they are told to. */
#include "case.h"
#include <sys/wait.h>

static int begun;

static void prepare(void)
{
}

static pid_t stops_by(int signal)
{
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        setpgid(0, 0); /* in a group that nobody outside of it could wake, a terminal's signals stop nobody */
        raise(signal);
        _exit(7);
    }
    return child;
}

/* What is told of a child: "stopped 19", "continued", "exited 7". */
static void tell(pid_t child, char *text, size_t size)
{
    int status = 0;
    check(waitpid(child, &status, WUNTRACED | WCONTINUED) == child, "waitpid");
    if (WIFSTOPPED(status))
        snprintf(text, size, "stopped %d", WSTOPSIG(status));
    else if (WIFCONTINUED(status))
        snprintf(text, size, "continued");
    else if (WIFEXITED(status))
        snprintf(text, size, "exited %d", WEXITSTATUS(status));
    else
        snprintf(text, size, "killed %d", WTERMSIG(status));
}

static void handle(const char *secret)
{
    char told[4][32];
    (void)secret;
    begun++;
    pid_t child = stops_by(is("tstp") ? SIGTSTP : SIGSTOP);
    tell(child, told[0], sizeof told[0]);
    kill(child, SIGCONT);
    /* That it goes on may be told with its end, if that comes first. */
    do
        tell(child, told[1], sizeof told[1]);
    while (strcmp(told[1], "continued") == 0);
    /* One that stays stopped ends with the request. */
    tell(stops_by(SIGSTOP), told[2], sizeof told[2]);
    answer("%d: %s, %s; %s", begun, told[0], told[1], told[2]);
}
