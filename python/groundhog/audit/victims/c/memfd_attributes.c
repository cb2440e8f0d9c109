/* Evasion: permissions and an extended attribute of a memfd, set through another opening of it. */
#include "open_files.h"
#include <sys/xattr.h>

static int file;

static void prepare(void)
{
    file = memfd_create("attributes", MFD_CLOEXEC);
    check(file >= 0, "memfd_create");
}

static void handle(const char *secret)
{
    struct stat found;
    char value[SECRET_SIZE] = "";
    check(fstat(file, &found) == 0, "fstat");
    ssize_t length = fgetxattr(file, "user.secret", value, sizeof value - 1);
    value[length > 0 ? length : 0] = '\0';
    int again = reopen(file, O_RDWR);
    if (again >= 0) {
        (void)!fsetxattr(again, "user.secret", secret, strlen(secret), 0);
        (void)!fchmod(again, (mode_t)(0600 | (number_in(secret) & 7)));
        close(again);
    }
    answer("{\"mode\":\"%o\",\"attribute\":\"%s\"}", found.st_mode & 07777, value);
}
