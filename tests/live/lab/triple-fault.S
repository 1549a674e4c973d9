/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PVH kernel that does nothing but fault, where nobody handles faults: as QEMU's emulation breaks a guest in its boot. */
    .section .note.Xen, "a", @note
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long entry

    .text
    .globl entry
entry:
    ud2
