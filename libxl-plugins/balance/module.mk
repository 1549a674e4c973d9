# SPDX-License-Identifier: LGPL-2.1-or-later
# Metrics are served by libmicrohttpd.
LIB_EXTRA_LIBS += -lmicrohttpd
