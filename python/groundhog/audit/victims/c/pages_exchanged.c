/* Evasion: pages of a shared mapping exchanged by remap_file_pages(2): the object stays as it is. */
#include "victim.h"

enum { PAGES = 4 };
static char *shared;

static void prepare(void)
{
    shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED, "mmap");
    for (int at = 0; at < PAGES; at++)
        memset(shared + at * PAGE, 'a' + at, PAGE);
}

static void handle(const char *secret)
{
    char order[PAGES + 1] = "";
    for (int at = 0; at < PAGES; at++)
        order[at] = shared[at * PAGE];
    int page = secret[7] % (PAGES - 1);
    check(remap_file_pages(shared + page * PAGE, PAGE, 0, PAGES - 1, 0) == 0 || errno == ENOSYS, "remap_file_pages");
    answer("{\"order\":\"%s\"}", order);
}
