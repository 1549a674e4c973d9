/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xl puts before a guest's state, in a file and on the way to another host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/xl-saved.h"

#define CONFIG "{\"c_info\": {\"name\": \"web\"}}"
#define BEHIND "LibxlFmt"

struct written {
    char magic[32];
    uint32_t byte_order, mandatory, optional, optional_len, config_len;
    char config[sizeof(CONFIG)];
    char behind[sizeof(BEHIND) - 1];
} __attribute__((packed));

static struct written as_xl_writes_it(void)
{
    return (struct written){
        .magic = "Xen saved domain, xl format\n \0 \r",
        .byte_order = 0x01020304,
        .mandatory = 3,
        .optional_len = sizeof(uint32_t) + sizeof(CONFIG),
        .config_len = sizeof(CONFIG),
        .config = CONFIG,
        .behind = BEHIND,
    };
}

/* A descriptor that stands at its beginning. */
static int file_of(const struct written *written, size_t len)
{
    int fd = memfd_create("saved", MFD_CLOEXEC);

    assert_int_equal(write(fd, written, len), len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void the_configuration_is_read_without_its_length(void **state)
{
    struct written written = as_xl_writes_it();
    CLEANUP_FD int fd = file_of(&written, sizeof(written));
    struct xl_saved_head head;
    const char *cause = NULL;
    GC_SCOPE(gc);

    assert_int_equal(xl_saved_head_read(gc, fd, &head, &cause), 0);
    assert_string_equal(head.config, CONFIG);
    assert_true(head.is_stream_v2);
}

static void not_a_byte_behind_it_is_read(void **state)
{
    struct written written = as_xl_writes_it();
    CLEANUP_FD int fd = file_of(&written, sizeof(written));
    char behind[sizeof(written.behind)];
    struct xl_saved_head head;
    const char *cause = NULL;
    GC_SCOPE(gc);

    assert_int_equal(xl_saved_head_read(gc, fd, &head, &cause), 0);
    assert_int_equal(head.len, offsetof(struct written, behind));
    assert_memory_equal(head.bytes, &written, head.len);
    assert_int_equal(read(fd, behind, sizeof(behind)), sizeof(behind));
    assert_memory_equal(behind, BEHIND, sizeof(behind));
}

static void assert_no_configuration(const struct written *written)
{
    CLEANUP_FD int fd = file_of(written, sizeof(*written));
    struct xl_saved_head head;
    const char *cause = NULL;
    GC_SCOPE(gc);

    assert_int_equal(xl_saved_head_read(gc, fd, &head, &cause), 0);
    assert_null(head.config);
}

static void a_length_that_is_not_there_makes_no_configuration(void **state)
{
    struct written written = as_xl_writes_it();

    written.config_len++;
    assert_no_configuration(&written);
    written.config_len = UINT32_MAX;
    assert_no_configuration(&written);
    written.config_len = 0;
    assert_no_configuration(&written);
}

static void xls_own_form_makes_no_configuration(void **state)
{
    struct written written = as_xl_writes_it();

    written.mandatory = 2;
    assert_no_configuration(&written);
}

static void what_is_cut_or_foreign_is_refused(void **state)
{
    struct written written = as_xl_writes_it();

    for (size_t len = 0; len < offsetof(struct written, behind); len++) {
        CLEANUP_FD int fd = file_of(&written, len);
        struct xl_saved_head head;
        const char *cause = NULL;
        GC_SCOPE(gc);

        assert_int_equal(xl_saved_head_read(gc, fd, &head, &cause), ERROR_INVAL);
        assert_string_equal(cause, "it ends too early");
    }
    written.magic[0] = 'x';
    {
        CLEANUP_FD int fd = file_of(&written, sizeof(written));
        struct xl_saved_head head;
        const char *cause = NULL;
        GC_SCOPE(gc);

        assert_int_equal(xl_saved_head_read(gc, fd, &head, &cause), ERROR_INVAL);
        assert_string_equal(cause, "it is no guest that xl has saved");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_is_read_without_its_length),
        cmocka_unit_test(not_a_byte_behind_it_is_read),
        cmocka_unit_test(a_length_that_is_not_there_makes_no_configuration),
        cmocka_unit_test(xls_own_form_makes_no_configuration),
        cmocka_unit_test(what_is_cut_or_foreign_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
