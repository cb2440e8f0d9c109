/* All memory offered for merging with equal pages of others (PR_SET_MEMORY_MERGE, Linux 6.4): a setting, and a flag of each
 * mapping. */
#include "mappings.h"

enum { PR_SET_MEMORY_MERGE_ = 67, PR_GET_MEMORY_MERGE_ = 68 };
static char *memory;

static void prepare(void)
{
    memory = map_alone(2 * PAGE, PROT_READ | PROT_WRITE);
}

static void handle(const char *secret)
{
    int set = prctl(PR_GET_MEMORY_MERGE_, 0, 0, 0, 0);
    bool flag = has_flag(memory, "mg");
    (void)secret;
    prctl(PR_SET_MEMORY_MERGE_, 1, 0, 0, 0);
    answer("{\"set\":%d,\"flag\":%d}", set == 1, flag);
}
