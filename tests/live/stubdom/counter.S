/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot sector that counts: twice a second it writes the next number to the disk (sector 2048), reads it back, and says
 * on the serial port "=NUMBER", eight hexadecimal digits; "!" in the place of "=" when it read something else, "X" when
 * the disk refused. The clock that paces it is the PC's timer, so it goes on only when timer, interrupts, disk and serial
 * port do.
 */
    .code16
    .globl _start
_start:
    ljmp $0, $1f
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    movb %dl, drive
    sti
    movl $0, 0x8000
next:
    incl 0x8000
    movw $0x8000, buffer
    movb $0x43, %ah             /* write sectors */
    call disk
    movl $0xffffffff, 0x8200
    movw $0x8200, buffer
    movb $0x42, %ah             /* read sectors */
    call disk
    movl 0x8000, %eax
    movb $'=', %bl
    cmpl %eax, 0x8200
    je 1f
    movb $'!', %bl
1:  movb %bl, %al
    call say
    movl 0x8000, %eax
    movw $8, %cx
2:  roll $4, %eax
    pushl %eax
    andb $15, %al
    addb $'0', %al
    cmpb $'9', %al
    jbe 3f
    addb $7, %al
3:  call say
    popl %eax
    loop 2b
    movb $'\r', %al
    call say
    movb $'\n', %al
    call say
    movb $0, %ah                /* ticks, 18.2 a second */
    int $0x1a
    movw %dx, %si
4:  sti
    hlt
    movb $0, %ah
    int $0x1a
    subw %si, %dx
    cmpw $9, %dx
    jb 4b
    jmp next
disk:
    movb $0, %al
    movb drive, %dl
    movw $packet, %si
    int $0x13
    jnc 1f
    movb $'X', %al
    call say
1:  ret
say:
    pushw %dx
    pushw %ax
    movw $0x3fd, %dx
1:  inb %dx, %al
    testb $0x20, %al
    jz 1b
    popw %ax
    movw $0x3f8, %dx
    outb %al, %dx
    popw %dx
    ret
drive: .byte 0
    .align 4
packet: .byte 16, 0
    .word 1
buffer: .word 0x8000, 0
    .quad 2048
    .org 510
    .byte 0x55, 0xaa
