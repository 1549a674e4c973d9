/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

/* The whole tool, with every plugin: build/xl-ext-full. What people call is the light one, xl-ext/light/main.c. */
int main(int argc, char **argv)
{
    return tool_main(argc, argv);
}
