/* Memory written by the kernel on the function's behalf: read(2), recv(2), process_vm_writev(2), getcwd, /proc/self/mem. */
#include "victim.h"
#include <sys/socket.h>

enum { SIZE = 4 * PAGE };
static char *by_read, *by_recv, *by_vm, *by_mem;

static void prepare(void)
{
    by_read = map_anonymous(NULL, 4 * SIZE);
    by_recv = by_read + SIZE;
    by_vm = by_recv + SIZE;
    by_mem = by_vm + SIZE;
    /* The last stays untouched: the kernel populates it. */
    memset(by_read, 's', 3 * SIZE);
}

static void handle(const char *secret)
{
    size_t found[] = {other_than(by_read, SIZE, 's'), other_than(by_recv, SIZE, 's'), other_than(by_vm, SIZE, 's'),
                      other_than(by_mem, SIZE, 0)};
    size_t length = strlen(secret);
    int ends[2], mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    check(pipe(ends) == 0 && mem >= 0, "pipe, mem");
    write_all(ends[1], secret, length);
    check(read(ends[0], by_read + 2 * PAGE - 3, length) == (ssize_t)length, "read across a page boundary");
    close(ends[0]);
    close(ends[1]);
    check(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0, "socketpair");
    check(send(ends[1], secret, length, 0) == (ssize_t)length, "send");
    check(recv(ends[0], by_recv + PAGE, PAGE, 0) == (ssize_t)length, "recv");
    close(ends[0]);
    close(ends[1]);
    struct iovec from = {(void *)secret, length}, to = {by_vm + PAGE, length};
    /* Forbidden to a function process. */
    check(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == (ssize_t)length || errno == EPERM, "process_vm_writev");
    check(pwrite(mem, secret, length, (off_t)(uintptr_t)by_mem + PAGE) == (ssize_t)length, "/proc/self/mem");
    close(mem);
    answer("{\"read\":%zu,\"recv\":%zu,\"vm\":%zu,\"mem\":%zu}", found[0], found[1], found[2], found[3]);
}
