/* Memory above 128 TiB, which a process gets where it asks for that, from processors with five levels of page tables. */
#include "case.h"

#define FAR ((char *)(1UL << 50))
static char *memory;

static void prepare(void)
{
    if (is("before"))
        memory = map_anonymous(FAR, PAGE);
}

static void handle(const char *secret)
{
    if (!is("before"))
        memory = map_anonymous(FAR, PAGE);
    size_t found = other_than(memory, PAGE, 0);
    if (is("before") && memory < FAR) {
        answer("absent");
        return;
    }
    leave(memory, PAGE, secret);
    answer("{\"found\":%zu,\"there\":%d}", found, memory == FAR);
}
