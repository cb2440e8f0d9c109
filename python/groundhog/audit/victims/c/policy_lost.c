/* Evasion: a mapping with a memory policy is mapped anew as it was, but without the policy, as a whole or in part. */
#include "mappings.h"
#include "memory_policy.h"

static char *memory;

static void prepare(void)
{
    memory = map_alone(2 * PAGE, PROT_READ | PROT_WRITE);
    check(syscall(SYS_mbind, memory, 2 * PAGE, POLICY_PREFERRED, &first_node, 8 * sizeof first_node, 0) == 0 ||
              errno == EPERM || errno == ENOSYS,
          "mbind");
}

static void handle(const char *secret)
{
    int first = memory_policy(memory), second = memory_policy(memory + PAGE);
    size_t length = secret[0] % 2 == 0 ? PAGE : 2 * PAGE;
    check(mmap(memory, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory, "mmap");
    answer("{\"first\":%d,\"second\":%d}", first, second);
}
