/* Shared memory that the request writes by another way than its mapping: through a second descriptor, while the mapping
 * only reads, or attached as SysV shared memory. */
#include "case.h"
#include <sys/ipc.h>
#include <sys/shm.h>

enum { SIZE = 6 * PAGE };
static char *memory;
static int fd, object;

static void prepare(void)
{
    if (is("sysv") || is("attached")) {
        object = shmget(IPC_PRIVATE, SIZE, 0600);
        check(object >= 0, "shmget");
        memory = shmat(object, NULL, 0);
        shmctl(object, IPC_RMID, NULL); /* it is there as long as somebody has it */
        check(memory != (void *)-1, "shmat");
        memset(memory, 's', SIZE);
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "/groundhog-victim-%d", getpid());
    fd = is("shm") ? shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600) : memfd_create("victim", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, SIZE) == 0, "shared memory");
    if (is("shm"))
        shm_unlink(name);
    bool only_read = is("read_only") || is("opened_to_read");
    memory = mmap(NULL, SIZE, only_read ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char bytes[SIZE];
    memset(bytes, 's', SIZE);
    check(memory != MAP_FAILED && pwrite(fd, bytes, SIZE, 0) == SIZE, "mmap");
    if (is("opened_to_read")) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int to_read = open(path, O_RDONLY | O_CLOEXEC);
        check(to_read >= 0 && close(fd) == 0, "open");
        fd = to_read;
    }
}

static void handle(const char *secret)
{
    size_t changed = other_than(memory, SIZE, 's');
    if (is("attached")) {
        char *again = shmat(object, NULL, 0);
        check(again != (void *)-1 && shmdt(again) == 0, "shmat");
    } else if (is("sysv")) {
        leave(memory + 3 * PAGE, 100, secret);
    } else {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int again = open(path, O_RDWR | O_CLOEXEC);
        check(again >= 0 && pwrite(again, secret, strlen(secret), 3 * PAGE - 2) == (ssize_t)strlen(secret), "pwrite");
        close(again);
    }
    answer("{\"changed\":%zu}", changed);
}
