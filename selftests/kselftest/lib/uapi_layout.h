/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of the interface, which no compiler option and no later version
 * may change. selftests/static compiles it for callers in C++ and of 32 bits.
 */
#ifndef LHV_TEST_UAPI_LAYOUT_H
#define LHV_TEST_UAPI_LAYOUT_H

#include <stddef.h>
#include <lhv.h>

#define SIZE(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), "size of " #type)
#define OFFSET(type, member, bytes) \
	_Static_assert(offsetof(struct type, member) == (bytes), #type "." #member)

SIZE(lhv_info, 72);
OFFSET(lhv_info, api_version, 8);
OFFSET(lhv_info, max_vcpus, 12);
OFFSET(lhv_info, max_slots, 16);
OFFSET(lhv_info, run_size, 20);
OFFSET(lhv_info, tsc_khz, 24);
OFFSET(lhv_info, apic_timer_khz, 28);
OFFSET(lhv_info, phys_bits, 32);
OFFSET(lhv_info, xsave_size, 36);
OFFSET(lhv_info, version, 40);

SIZE(lhv_check_cap, 24);
OFFSET(lhv_check_cap, cap, 8);
OFFSET(lhv_check_cap, value, 16);

SIZE(lhv_cpuid_entry, 32);
OFFSET(lhv_cpuid_entry, index, 4);
OFFSET(lhv_cpuid_entry, flags, 8);
OFFSET(lhv_cpuid_entry, eax, 12);
OFFSET(lhv_cpuid_entry, edx, 24);
OFFSET(lhv_cpuid_entry, reserved, 28);

SIZE(lhv_list, 24);
OFFSET(lhv_list, count, 8);
OFFSET(lhv_list, data, 16);

SIZE(lhv_create_vm, 8);

SIZE(lhv_create_vcpu, 16);
OFFSET(lhv_create_vcpu, id, 8);

SIZE(lhv_memory, 40);
OFFSET(lhv_memory, slot, 8);
OFFSET(lhv_memory, gpa, 16);
OFFSET(lhv_memory, bytes, 24);
OFFSET(lhv_memory, hva, 32);

SIZE(lhv_dirty_log, 32);
OFFSET(lhv_dirty_log, slot, 8);
OFFSET(lhv_dirty_log, bitmap, 16);
OFFSET(lhv_dirty_log, bytes, 24);

SIZE(lhv_irqfd, 32);
OFFSET(lhv_irqfd, fd, 8);
OFFSET(lhv_irqfd, resample_fd, 12);
OFFSET(lhv_irqfd, data, 16);
OFFSET(lhv_irqfd, reserved, 20);
OFFSET(lhv_irqfd, address, 24);

SIZE(lhv_ioeventfd, 32);
OFFSET(lhv_ioeventfd, address, 8);
OFFSET(lhv_ioeventfd, data, 16);
OFFSET(lhv_ioeventfd, length, 24);
OFFSET(lhv_ioeventfd, fd, 28);

SIZE(lhv_msi, 24);
OFFSET(lhv_msi, data, 8);
OFFSET(lhv_msi, delivered, 12);
OFFSET(lhv_msi, address, 16);

SIZE(lhv_stats, 24);
OFFSET(lhv_stats, count, 8);
OFFSET(lhv_stats, values, 16);

SIZE(lhv_state, 32);
OFFSET(lhv_state, type, 8);
OFFSET(lhv_state, version, 10);
OFFSET(lhv_state, length, 12);
OFFSET(lhv_state, reserved, 16);
OFFSET(lhv_state, data, 24);

SIZE(lhv_regs, 144);
OFFSET(lhv_regs, rsp, 32);
OFFSET(lhv_regs, r8, 64);
OFFSET(lhv_regs, rip, 128);

SIZE(lhv_segment, 24);
OFFSET(lhv_segment, limit, 8);
OFFSET(lhv_segment, selector, 12);
OFFSET(lhv_segment, access, 16);

SIZE(lhv_dtable, 16);
OFFSET(lhv_dtable, limit, 8);

SIZE(lhv_sregs, 280);
OFFSET(lhv_sregs, gdt, 192);
OFFSET(lhv_sregs, cr0, 224);
OFFSET(lhv_sregs, efer, 264);
OFFSET(lhv_sregs, apic_base, 272);

SIZE(lhv_xcrs, 8);

SIZE(lhv_debugregs, 48);
OFFSET(lhv_debugregs, dr6, 32);

SIZE(lhv_events, 48);
OFFSET(lhv_events, exception_error, 4);
OFFSET(lhv_events, exception_payload, 8);
OFFSET(lhv_events, exception_has_payload, 16);
OFFSET(lhv_events, instruction_length, 20);
OFFSET(lhv_events, nmi_pending, 22);
OFFSET(lhv_events, triple_fault, 29);
OFFSET(lhv_events, debug_pending, 30);
OFFSET(lhv_events, keep_pending, 32);
OFFSET(lhv_events, reserved, 33);

SIZE(lhv_lapic_state, 1032);
OFFSET(lhv_lapic_state, timer_expiry, 1024);

SIZE(lhv_mp_state, 8);

SIZE(lhv_msr, 16);
OFFSET(lhv_msr, value, 8);

SIZE(lhv_tsc, 16);
OFFSET(lhv_tsc, khz, 8);

SIZE(lhv_clock, 40);
OFFSET(lhv_clock, realtime_ns, 24);
OFFSET(lhv_clock, tsc_khz, 32);

SIZE(lhv_run, LHV_RUN_DATA_OFFSET + LHV_RUN_DATA_SIZE);
OFFSET(lhv_run, exit_reason, 8);
OFFSET(lhv_run, rip, 16);
OFFSET(lhv_run, io, 24);
OFFSET(lhv_run, io.size, 26);
OFFSET(lhv_run, io.direction, 27);
OFFSET(lhv_run, io.count, 28);
OFFSET(lhv_run, mmio.len, 32);
OFFSET(lhv_run, mmio.is_write, 36);
OFFSET(lhv_run, mmio.data, 40);
OFFSET(lhv_run, fail_entry.qualification, 32);
OFFSET(lhv_run, fail_entry.cpu, 40);
OFFSET(lhv_run, unhandled.qualification, 32);
OFFSET(lhv_run, unhandled.error_code, 40);
OFFSET(lhv_run, undecoded.length, 32);
OFFSET(lhv_run, undecoded.bytes, 36);
OFFSET(lhv_run, memory_fault.access, 32);
OFFSET(lhv_run, memory_fault.error, 36);
OFFSET(lhv_run, data, LHV_RUN_DATA_OFFSET);

#undef SIZE
#undef OFFSET

#endif /* LHV_TEST_UAPI_LAYOUT_H */
