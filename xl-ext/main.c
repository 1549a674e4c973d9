/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

int main(int argc, char **argv)
{
    return tool_main(argc, argv);
}
