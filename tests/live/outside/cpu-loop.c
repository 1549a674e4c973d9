/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpu-loop aes|avx2 FILE: uses one feature of the CPU for ever and writes how far it is into FILE, ten times a second.
 * It stands alone (no C library, which would choose its own code by CPUID), so that it dies of nothing but that
 * feature. Exit status 3: CPUID says that the feature is not there.
 *
 *     gcc -O1 -static -nostdlib -ffreestanding -fno-stack-protector -o cpu-loop cpu-loop.c
 */
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <sys/syscall.h>

#define O_WRONLY_CREAT_TRUNC 01101
#define ROUNDS 64

static long call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static int avx_enabled(void)
{
    uint32_t a, b, c, d;

    __cpuid_count(1, 0, a, b, c, d);
    if (!(c >> 27 & 1))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & 6) == 6;
}

static void report(const char *file, uint64_t count)
{
    char text[24];
    int at = sizeof(text);
    long fd = call(SYS_open, (long)file, O_WRONLY_CREAT_TRUNC, 0644);

    text[--at] = '\n';
    do
        text[--at] = (char)('0' + count % 10);
    while (count /= 10);
    call(SYS_write, fd, (long)(text + at), (long)sizeof(text) - at);
    call(SYS_close, fd, 0, 0);
}

static int has(int avx2)
{
    uint32_t a, b, c, d;

    __cpuid_count(avx2 ? 7 : 1, 0, a, b, c, d);
    return avx2 ? b >> 5 & 1 : c >> 25 & 1;
}

__attribute__((target("aes"))) static void use_aes(void)
{
    __m128i value = _mm_set1_epi32(1);

    for (int i = 0; i < ROUNDS; i++)
        value = _mm_aesenc_si128(value, value);
    __asm__ volatile("" : : "x"(value));
}

__attribute__((target("avx2"))) static void use_avx2(void)
{
    __m256i value = _mm256_set1_epi32(1);

    for (int i = 0; i < ROUNDS; i++)
        value = _mm256_add_epi32(value, value);
    __asm__ volatile("" : : "x"(value));
}

static int run(long argc, char **argv)
{
    const long pause[2] = {0, 100000000};
    int avx2 = argc == 3 && argv[1][1] == 'v';

    if (argc != 3)
        return 2;
    if (!has(avx2))
        return 3;
    if (avx2 && !avx_enabled())
        return 4;
    for (uint64_t count = 1;; count++) {
        if (avx2)
            use_avx2();
        else
            use_aes();
        report(argv[2], count);
        call(SYS_nanosleep, (long)pause, 0, 0);
    }
}

__attribute__((used)) static void start(long *stack)
{
    call(SYS_exit, run(stack[0], (char **)(stack + 1)), 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
