/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <linux/kvm.h>

#include "base/cleanup.h"
#include "host/kvm.h"

#define GUEST_BYTES 4096
#define GIVE_UP_S 2
#define INSTRUCTION_HLT 0xf4

static void interrupted(int signum)
{
}

/* The vCPU starts at address 0 in real mode. */
static bool set_registers(int vcpu)
{
    struct kvm_regs regs = {.rflags = 2};
    struct kvm_sregs sregs;

    if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
        return false;
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    return !ioctl(vcpu, KVM_SET_SREGS, &sregs) && !ioctl(vcpu, KVM_SET_REGS, &regs);
}

/* Runs until the machine stops, at most GIVE_UP_S: the alarm makes KVM_RUN return. */
static bool runs_to_hlt(int vcpu, const struct kvm_run *state)
{
    struct sigaction action = {.sa_handler = interrupted}, old_action;
    struct itimerval limit = {.it_value.tv_sec = GIVE_UP_S}, old_limit;
    int r;

    sigaction(SIGALRM, &action, &old_action);
    setitimer(ITIMER_REAL, &limit, &old_limit);
    r = ioctl(vcpu, KVM_RUN, 0);
    setitimer(ITIMER_REAL, &old_limit, NULL);
    sigaction(SIGALRM, &old_action, NULL);
    return !r && state->exit_reason == KVM_EXIT_HLT;
}

static bool run_in_machine(int kvm, int machine, unsigned char *memory)
{
    struct kvm_userspace_memory_region region = {.memory_size = GUEST_BYTES, .userspace_addr = (uintptr_t)memory};
    CLEANUP_FD int vcpu = -1;
    struct kvm_run *state;
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    bool works;

    memory[0] = INSTRUCTION_HLT;
    if (size < (int)sizeof(*state) || ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region))
        return false;
    vcpu = ioctl(machine, KVM_CREATE_VCPU, 0);
    if (vcpu < 0 || !set_registers(vcpu))
        return false;
    state = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (state == MAP_FAILED)
        return false;
    works = runs_to_hlt(vcpu, state);
    munmap(state, (size_t)size);
    return works;
}

bool kvm_works(const char *device)
{
    CLEANUP_FD int kvm = open(device, O_RDWR | O_CLOEXEC);
    CLEANUP_FD int machine = -1;
    unsigned char *memory;
    bool works;

    if (kvm < 0 || ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
        return false;
    machine = ioctl(kvm, KVM_CREATE_VM, 0);
    if (machine < 0)
        return false;
    memory = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    works = run_in_machine(kvm, machine, memory);
    munmap(memory, GUEST_BYTES);
    return works;
}
