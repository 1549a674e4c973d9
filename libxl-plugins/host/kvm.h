/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_HOST_KVM_H
#define XLX_HOST_KVM_H

#include <stdbool.h>

/* True when KVM behind that device really runs a machine: one of a single instruction is made and run. The device alone
 * says nothing: it may be there and not work (nested virtualisation switched off, no permission). Takes milliseconds,
 * at most two seconds. */
bool kvm_works(const char *device);

#endif
