/* Becomes another program, which goes on answering: the same image again, told its number by its environment. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    const char *found = getenv("EXECS");
    char next[32], environment[SECRET_SIZE + 16];
    snprintf(next, sizeof next, "EXECS=%d", found != NULL ? atoi(found) + 1 : 1);
    snprintf(environment, sizeof environment, "SECRET=%s", secret);
    bool known = getenv("SECRET") != NULL;
    int number = found != NULL ? atoi(found) : 0;
    answer("{\"execs\":%d,\"known\":%s}", number, known ? "true" : "false");
    char *arguments[] = {"execs", NULL}, *variables[] = {next, environment, NULL};
    execve("/proc/self/exe", arguments, variables);
    check(false, "execve");
}
