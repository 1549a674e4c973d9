/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned left;
static int errno_to_set;
static bool struck, for_good;
static const char *only;
static char steps[8192];

void fault_arm(unsigned fail_at, int errno_value)
{
    left = fail_at;
    errno_to_set = errno_value;
    struck = for_good = false;
}

void fault_arm_for_good(unsigned fail_at, int errno_value)
{
    fault_arm(fail_at, errno_value);
    for_good = true;
}

void fault_only(const char *call)
{
    only = call;
}

bool fault_struck(void)
{
    return struck;
}

bool fault_now(const char *call)
{
    if (!left || (only && strcmp(only, call) != 0))
        return false;
    if (!(struck && for_good) && --left)
        return false;
    left = for_good;
    struck = true;
    errno = errno_to_set;
    return true;
}

void fake_note(const char *format, ...)
{
    size_t used = strlen(steps);
    va_list args;

    if (used && used < sizeof(steps) - 3) {
        strncat(steps, "; ", 3);
        used += 2;
    }
    va_start(args, format);
    vsnprintf(steps + used, sizeof(steps) - used, format, args);
    va_end(args);
}

const char *fake_steps(void)
{
    return steps;
}

void fake_forget(void)
{
    steps[0] = '\0';
}
