/* Executes a program, itself anew, that serves on the same descriptors, unless it is told to stay. */
#include "case.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    char *const command[] = {"another", NULL};
    if (strcmp(secret, "stay") == 0) {
        answer("stayed");
        return;
    }
    execv("/proc/self/exe", command);
    check(false, "execv");
}
