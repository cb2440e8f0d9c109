/* Memory sealed by a request (mseal, Linux 6.10): it can neither be removed nor protected as before. */
#include "case.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    char *memory = lonely(PAGE);
    leave(memory, PAGE, secret);
    bool sealed = syscall(462, memory, PAGE, 0) == 0;
    answer("%s", sealed ? "sealed" : "absent");
}
