/* Memory that is wiped in children. */
#include "victim.h"

/* What a child finds in memory that holds a mark here: nothing where it is wiped in children (MADV_WIPEONFORK). */
static int left_in_child(char *memory)
{
    int status;
    *memory = 1;
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0)
        _exit(*memory);
    check(waitpid(child, &status, 0) == child && WIFEXITED(status), "waitpid");
    return WEXITSTATUS(status);
}
