/* Memory that is both written and executed denied for ever (PR_SET_MDWE, Linux 6.3). */
#include "attributes.h"

enum { PR_SET_MDWE_ = 65, REFUSE_EXEC_GAIN = 1 };

static void describe(char *text, size_t size)
{
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    snprintf(text, size, "denied %d", memory == MAP_FAILED);
    if (memory != MAP_FAILED)
        munmap(memory, PAGE);
}

static void change(const char *secret)
{
    (void)secret;
    prctl(PR_SET_MDWE_, REFUSE_EXEC_GAIN, 0, 0, 0);
}
