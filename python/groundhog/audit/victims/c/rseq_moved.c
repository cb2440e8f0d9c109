/* Evasion: where the kernel writes on which processor a thread runs (rseq(2)) is moved away from the C library's place: the kernel
 * goes on writing there, and the C library reads what is never written any more. */
#include "victim.h"
#include "rseq.h"

static void prepare(void)
{
    catch_signal();
}

static void handle(const char *secret)
{
    bool found = is_written();
    (void)secret;
    move_area();
    answer("{\"written\":%d}", found);
}
